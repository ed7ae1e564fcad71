"""`corpus label`: adds the base model's transcript and word error rate to each row."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path
from typing import Any

from megaasr import AudioLimits, Plugins, Transcriber

from ...evaluation.evaluate import evaluate, tried_item

Row = dict[str, Any]
CHUNK = 8
"""Number of batches that are read at a time."""


def labelled_rows(
    rows: Iterable[tuple[str, Row]],
    root: Path,
    transcriber: Transcriber,
    limits: AudioLimits | None = None,
    plugins: Plugins | None = None,
) -> Iterator[Row]:
    """Each row with the base model's transcript and errors; a row or recording that cannot be read gets an ``error``.

    Adds ``base_text``, ``base_wer`` (or character error rate), ``base_num_edits``, ``base_ref_len``, ``base_flags``.

    Args:
        rows: pairs of location (for messages) and row, as `tried_rows` returns them.
        root: the folder that the rows' ``audio`` is relative to.
        transcriber: transcriber that uses only the base model.
        limits: limits on the audio; the default limits if None.
        plugins: whose readers read the audio; the installed ones if not given.
    """
    waiting = iter(rows)
    while chunk := list(islice(waiting, CHUNK * transcriber.batch_size)):
        items = [tried_item(row, root, where) for where, row in chunk]
        for item, scored in zip(items, evaluate(items, transcriber, limits, plugins), strict=True):
            kept = {name: value for name, value in item.row.items() if name != "error"}  # an error of an earlier run
            if "error" in scored:
                yield {**kept, "error": scored["error"]}
            else:
                yield {
                    **kept,
                    "base_text": scored["prediction"],
                    "base_wer": scored["wer"],
                    "base_num_edits": scored["num_edits"],
                    "base_ref_len": scored["ref_len"],
                    "base_flags": scored["flags"],
                }

"""`corpus filter` and `corpus buckets`: select training rows by the base model's word error rate (Mega-ASR, 3.1)."""

from __future__ import annotations

import heapq
from collections.abc import Collection, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from megaasr import (
    BrokenRow,
    ManifestError,
    OutputError,
    ParameterError,
    SampleKey,
    held_outputs,
    is_stream,
    jsonl_line,
    moved_row,
    one_line,
    row_name,
    text_output,
    tried_rows,
)

Row = dict[str, Any]


@dataclass(frozen=True)
class Selection:
    """The result of a selection.

    Args:
        path: path of the written manifest.
        kept, of: number of rows in it, and number of labelled rows in the source.
        unlabelled: number of rows with an error instead of a label; they are left out.
        failed: one line for each row that cannot be read.
    """

    path: Path
    kept: int
    of: int
    unlabelled: int
    failed: tuple[str, ...] = ()


def filter_rows(
    source: Path,
    target: Path,
    *,
    max_wer: float | None = None,
    min_wer: float | None = None,
    drop_flags: Collection[str] = (),
) -> Selection:
    """Write the rows with ``min_wer <= base_wer < max_wer`` and without the flags to `target`; adapt the audio paths.

    Raises:
        ManifestError: a row has neither a label nor an error; the message names its line.
        ParameterError: `max_wer` is not above `min_wer` and 0.
        OutputError: `target` cannot be written.
    """
    low, high = -float("inf") if min_wer is None else min_wer, float("inf") if max_wer is None else max_wer
    if max(low, 0.0) >= high:
        raise ParameterError(
            f"no WER is at least {max(low, 0.0):g} and below {high:g}; raise --max-wer, which is exclusive"
        )
    kept = of = unlabelled = 0
    folder = Path() if is_stream(target) else target.parent
    failed: list[str] = []
    with text_output(target) as file:
        for _, row, wer in labelled_wers(source, failed):
            if wer is None:
                unlabelled += 1
                continue
            of += 1
            if low <= wer < high and not set(drop_flags) & set(row.get("base_flags", ())):
                kept += 1
                file.write(jsonl_line(moved_row(row, source.parent, folder)))
    return Selection(target, kept, of, unlabelled, tuple(failed))


def bucket_rows(
    source: Path, limits: Sequence[float], folder: Path, *, sample: int | None = None, seed: int = 0
) -> list[Selection]:
    """Write for each limit the rows with ``base_wer < limit`` to a file such as ``wer-below-0.30.jsonl``.

    A row is written for every limit that is above its WER.

    Args:
        source: labelled manifest.
        limits: upper bounds of WER (exclusive), each once.
        folder: output folder; created if needed.
        sample: maximum number of rows per limit, drawn at random. The draw depends only on the seed and each row's
            ``id`` (or audio), not on the order of the rows.
        seed: seed of the draw.

    Raises:
        ManifestError, ParameterError, OutputError: as `filter_rows`.
    """
    for limit in limits:
        if limits.count(limit) > 1:
            raise ParameterError(f"limit {limit:g} is named twice")
    thresholds = (
        {limit: _threshold_of_sample(source, limit, sample, seed) for limit in limits} if sample is not None else {}
    )
    paths = [folder / f"wer-below-{limit:.2f}.jsonl" for limit in limits]
    if len(set(paths)) < len(paths):
        raise ParameterError("two limits are equal in their first two decimals, so their file names would be equal")
    kept = dict.fromkeys(limits, 0)
    of = unlabelled = 0
    _make(folder)
    failed: list[str] = []
    with held_outputs(paths, [source]), ExitStack() as stack:
        files = [stack.enter_context(text_output(path)) for path in paths]
        for _, row, wer in labelled_wers(source, failed):
            if wer is None:
                unlabelled += 1
                continue
            of += 1
            line = jsonl_line(moved_row(row, source.parent, folder))
            for limit, file in zip(limits, files, strict=True):
                if wer < limit and (sample is None or _draw(row, seed) <= thresholds[limit]):
                    kept[limit] += 1
                    file.write(line)
    return [
        Selection(path, kept[limit], of, unlabelled, tuple(failed)) for path, limit in zip(paths, limits, strict=True)
    ]


def _make(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(f"cannot make folder {folder}: {error.strerror or one_line(error)}") from error


def _threshold_of_sample(source: Path, limit: float, sample: int, seed: int) -> float:
    """The largest of the `sample` smallest draws among the rows below the limit; needs memory for `sample` numbers."""
    draws = (_draw(row, seed) for _, row, wer in labelled_wers(source, []) if wer is not None and wer < limit)
    return max(heapq.nsmallest(sample, draws), default=-1.0)


def _draw(row: Row, seed: int) -> float:
    """A uniform random number in [0, 1) that is keyed by the seed and the row's id (or audio)."""
    return float(SampleKey(seed, row_name(row)).rng("bucket").random())


def labelled_wers(source: Path, failed: list[str]) -> Iterator[tuple[str, Row, float | None]]:
    """Where each row stands, the row, and its WER: None if labelling failed.

    A row that cannot be read is a line of `failed`.

    Raises:
        ManifestError: a row has neither a label nor an error, or no row can be read.
    """
    of = 0
    for where, row in tried_rows(source):
        of += 1
        wer, flags = row.get("base_wer"), row.get("base_flags", [])
        if isinstance(row, BrokenRow):
            failed.append(str(row.fault))
        elif "error" in row and wer is None:
            yield where, row, None
        elif not isinstance(wer, (int, float)) or isinstance(wer, bool) or wer < 0:
            raise ManifestError(f"{where}: base_wer is missing or not a number; run `megaasr corpus label` first")
        elif not isinstance(flags, list) or not all(isinstance(flag, str) for flag in flags):
            raise ManifestError(f"{where}: base_flags is no list of texts; run `megaasr corpus label` first")
        else:
            yield where, row, float(wer)
    if failed and len(failed) == of:
        raise ManifestError(f"{failed[0]} (none of the {of} rows can be used)" if of > 1 else failed[0])

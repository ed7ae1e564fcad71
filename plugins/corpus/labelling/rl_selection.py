"""`corpus rl`: select labelled rows by the sampling rule of RL sets, and write them as RL JSONL."""

from __future__ import annotations

import heapq
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import blake2b
from pathlib import Path
from typing import TextIO

from megaasr import (
    ManifestError,
    RowsDigest,
    RunRecord,
    SampleKey,
    as_json,
    atomic_path,
    code_identity,
    is_stream,
    jsonl_line,
    moved_row,
    row_name,
    text_output,
    utterance_name,
    write_record,
)

from ..rendering.plan_reader import IN_PLAN
from ..rendering.shard_reader import IN_TAR
from .rl_report import RlSelection, WerCounts
from .rl_rows import rl_row
from .rl_sampling import RlSampling
from .select import labelled_wers


def select_rl_rows(
    source: Path, target: Path, sampling: RlSampling, *, prompt: str | None = None, absolute: bool = False
) -> RlSelection:
    """Draw labelled rows by the rule of `rl_sampling` and write them as RL rows, in the order of the source.

    The draw depends only on the seed and on each row's ``id`` (or audio), not on the order of the rows. The source is
    read twice, and all of it is checked before anything is written; of each row only its draw and a digest are kept.

    Args:
        source: labelled manifest.
        target: output; beside a file of it stands the record of the run.
        prompt: as of `rl_row`.
        absolute: whether paths of recordings are written absolute; else they are relative to the target's folder.

    Raises:
        ManifestError: a row has neither a label nor an error, cannot be an RL row, or occurs twice.
        ParameterError: the bins with a share hold too few rows.
        OutputError: `target` cannot be written.
    """
    root = source if source.is_dir() else source.parent
    counts = WerCounts([0] * len(sampling.shares))
    digest, failed, unlabelled = RowsDigest(), list[str](), 0
    seen = set[bytes]()
    draws: list[list[tuple[float, int]]] = [[] for _ in sampling.shares]
    for index, (where, row, wer) in enumerate(labelled_wers(source, failed)):
        digest.add(row)
        if wer is None:
            unlabelled += 1
            continue
        rl_row(row, root, where, prompt)
        name = row_name(row)
        mark = blake2b(json.dumps([name, utterance_name(row)]).encode(), digest_size=16).digest()
        if mark in seen:
            raise ManifestError(f"{where}: {name!r} occurs twice; remove one, since no row is drawn twice")
        seen.add(mark)
        number = sampling.bin_of(wer)
        counts.add(number, wer)
        key = name.encode("utf-8", "backslashreplace").decode()  # a file's name may be no UTF-8
        draws[number].append((float(SampleKey(sampling.seed, key).rng("rl").random()), index))
    drawn = {
        index
        for of_bin, quota in zip(draws, sampling.quotas(counts.bins), strict=True)
        for _, index in heapq.nsmallest(quota, of_bin)
    }
    after, not_files = WerCounts([0] * len(sampling.shares)), 0
    options = {"count": sampling.count, "bins": sampling.bounds, "shares": sampling.shares, "seed": sampling.seed}
    identity = {
        "code": code_identity(),
        "manifest": digest.hexdigest(),
        "options": as_json({**options, "prompt": prompt, "absolute": absolute}),
    }
    with _recorded(target, RunRecord(identity, {"manifest": str(source)})) as file:
        for index, (where, row, wer) in enumerate(labelled_wers(source, [])):
            if index in drawn and wer is not None:
                made = rl_row(row, root, where, prompt)
                path = made["audios"][0]
                not_files += IN_TAR in path or IN_PLAN in path
                made["audios"] = [_moved(path, root, target, absolute)]
                after.add(sampling.bin_of(wer), wer)
                file.write(jsonl_line(made))
    return RlSelection(sampling, counts, after, unlabelled, tuple(failed), not_files)


def _moved(path: str, root: Path, target: Path, absolute: bool) -> str:
    """The path of a recording, absolute or relative to the folder of the target."""
    if os.path.isabs(path):  # noqa: PTH117
        return path
    if absolute:
        return os.path.abspath(os.path.join(root.resolve(), path))  # noqa: PTH100, PTH118
    return str(moved_row({"audio": path}, root, Path() if is_stream(target) else target.parent)["audio"])


@contextmanager
def _recorded(target: Path, run: RunRecord) -> Iterator[TextIO]:
    """The output, written whole or not at all with the record of its run beside it; a stream has no record."""
    if is_stream(target):
        with text_output(target) as file:
            yield file
        return
    with atomic_path(target) as temporary:
        with temporary.open("w", encoding="utf-8") as file:
            yield file
        write_record(target, run, temporary)

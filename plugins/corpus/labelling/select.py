"""`corpus filter` and `corpus buckets`: training manifests by the base model's word error rate (Mega-ASR, 3.1)."""

from __future__ import annotations

import heapq
import os
from collections.abc import Collection, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from megaasr import ManifestError, ParameterError, SampleKey, atomic_path, jsonl_line, located_rows

Row = dict[str, Any]


@dataclass(frozen=True)
class Selection:
    """What was chosen.

    Args:
        path: of the manifest that was written.
        kept, of: rows in it, and rows that had a label.
        unlabelled: rows with an error in place of a label; they are left out.
    """

    path: Path
    kept: int
    of: int
    unlabelled: int


def filter_rows(
    source: Path,
    target: Path,
    *,
    max_wer: float | None = None,
    min_wer: float | None = None,
    drop_flags: Collection[str] = (),
) -> Selection:
    """Keep the rows with ``min_wer <= base_wer <= max_wer`` and none of the flags; their audio is named from `target`.

    Raises:
        ManifestError: a row without a label; named by line.
        ParameterError: bounds that leave nothing.
        OutputError: `target` cannot be written.
    """
    low, high = -float("inf") if min_wer is None else min_wer, float("inf") if max_wer is None else max_wer
    if low > high:
        raise ParameterError(f"the lowest WER {low:g} is above the highest, {high:g}")
    kept = of = unlabelled = 0
    with atomic_path(target) as temporary, temporary.open("w", encoding="utf-8") as file:
        for row, wer in _labelled(source):
            if wer is None:
                unlabelled += 1
                continue
            of += 1
            if low <= wer <= high and not set(drop_flags) & set(row.get("base_flags", ())):
                kept += 1
                file.write(jsonl_line(moved(row, source.parent, target.parent)))
    return Selection(target, kept, of, unlabelled)


def bucket_rows(
    source: Path, limits: Sequence[float], folder: Path, *, sample: int | None = None, seed: int = 0
) -> list[Selection]:
    """For each limit the rows with ``base_wer < limit``, as ``wer-below-0.30.jsonl``; a row is in all that it fits.

    Args:
        limits: WERs, each once.
        folder: is made if need be.
        sample: at most so many rows of each, chosen by chance of each row's ``id`` (or audio): another order of the
            rows, or more of them in front, changes nobody's luck.

    Raises:
        ManifestError, ParameterError, OutputError: as `filter_rows`.
    """
    for limit in limits:
        if limits.count(limit) > 1:
            raise ParameterError(f"limit {limit:g} is named twice")
    luck = {limit: _lucky(source, limit, sample, seed) for limit in limits} if sample is not None else {}
    folder.mkdir(parents=True, exist_ok=True)
    paths = [folder / f"wer-below-{limit:.2f}.jsonl" for limit in limits]
    if len(set(paths)) < len(paths):
        raise ParameterError("two limits are equal in their first two decimals, and so are their files' names")
    kept = dict.fromkeys(limits, 0)
    of = unlabelled = 0
    with ExitStack() as stack:
        files = [
            stack.enter_context(stack.enter_context(atomic_path(path)).open("w", encoding="utf-8")) for path in paths
        ]
        for row, wer in _labelled(source):
            if wer is None:
                unlabelled += 1
                continue
            of += 1
            line = jsonl_line(moved(row, source.parent, folder))
            for limit, file in zip(limits, files, strict=True):
                if wer < limit and (sample is None or _chance(row, seed) <= luck[limit]):
                    kept[limit] += 1
                    file.write(line)
    return [Selection(path, kept[limit], of, unlabelled) for path, limit in zip(paths, limits, strict=True)]


def _lucky(source: Path, limit: float, sample: int, seed: int) -> float:
    """The largest chance among the `sample` smallest of those below the limit; memory for that many numbers."""
    chances = (_chance(row, seed) for row, wer in _labelled(source) if wer is not None and wer < limit)
    return max(heapq.nsmallest(sample, chances), default=-1.0)


def _chance(row: Row, seed: int) -> float:
    return float(SampleKey(seed, str(row.get("id", row["audio"]))).rng("bucket").random())


def _labelled(source: Path) -> Iterator[tuple[Row, float | None]]:
    """Each row with its WER; None where labelling failed."""
    for where, row in located_rows(source):
        wer = row.get("base_wer")
        if "error" in row and wer is None:
            yield row, None
        elif isinstance(wer, (int, float)) and not isinstance(wer, bool):
            yield row, float(wer)
        else:
            raise ManifestError(f"{where}: has no base_wer, a number; run `megaasr corpus label` first")


def moved(row: Row, old: Path, new: Path) -> Row:
    """The row with its audio named from another folder."""
    audio = Path(str(row["audio"]))
    if old.resolve() == new.resolve() or audio.is_absolute():
        return row
    return {**row, "audio": os.path.relpath(old.resolve() / audio, new.resolve())}

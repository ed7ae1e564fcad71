"""What a selection for reinforcement learning took: counts of base WER before and after, as text and as JSON."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from .rl_sampling import RlSampling

HISTOGRAM_STEP = 0.1
HISTOGRAM_BINS = 11
"""Bins of the histogram: ten below a WER of 1, and the rest."""


@dataclass
class WerCounts:
    """Numbers of rows by the bins of the sampling and by tenths of WER."""

    bins: list[int]
    histogram: list[int] = field(default_factory=lambda: [0] * HISTOGRAM_BINS)

    def add(self, number: int, wer: float) -> None:
        """Count a row of the bin `number`."""
        self.bins[number] += 1
        self.histogram[min(int(wer / HISTOGRAM_STEP + 1e-9), HISTOGRAM_BINS - 1)] += 1

    @property
    def rows(self) -> int:
        """All of them."""
        return sum(self.bins)


@dataclass(frozen=True)
class RlSelection:
    """The result of a selection.

    Args:
        sampling: its settings.
        before, after: counts of the labelled rows, and of those that were drawn.
        unlabelled: number of rows with an error instead of a label; they are left out.
        failed: one line for each row that cannot be read.
        not_files: number of drawn rows whose recording is in a tar shard or a plan, which only megaasr reads.
    """

    sampling: RlSampling
    before: WerCounts
    after: WerCounts
    unlabelled: int
    failed: tuple[str, ...]
    not_files: int

    def notes(self) -> Iterator[str]:
        """What a user should know besides, one line each."""
        for (low, high), wanted, taken in zip(
            self.sampling.ranges(), self.sampling.wanted(), self.after.bins, strict=True
        ):
            if taken < wanted:
                name = _range(low, high).strip()
                yield f"base_wer {name}: {taken} of the {wanted} rows wanted; the other bins make up for the rest"
        if self.not_files:
            yield (
                f"{self.not_files} rows name a sample of a plan or of a tar shard, which only megaasr reads; for other "
                "trainers, render with --format folder"
            )

    def as_json(self) -> dict[str, Any]:
        """The settings and counts as a JSON object; the upper end of the last bin is null."""
        ends = self.sampling.ranges()
        columns = (ends, self.sampling.shares, self.sampling.wanted(), self.before.bins, self.after.bins)
        tenths = [round(HISTOGRAM_STEP * number, 1) for number in range(HISTOGRAM_BINS)]
        return {
            "rows": self.after.rows,
            "of": self.before.rows,
            "seed": self.sampling.seed,
            "bins": [
                {
                    "low": low,
                    "high": high if number + 1 < len(ends) else None,
                    "share": share,
                    "wanted": wanted,
                    "before": before,
                    "after": after,
                }
                for number, ((low, high), share, wanted, before, after) in enumerate(zip(*columns, strict=True))
            ],
            "histogram": {"low": tenths, "before": self.before.histogram, "after": self.after.histogram},
            "unlabelled": self.unlabelled,
            "failed": list(self.failed),
            "not_files": self.not_files,
        }

    def lines(self) -> Iterator[str]:
        """The table that `megaasr corpus rl` prints: the bins of the sampling, then the histogram by tenths."""
        yield f"{'base_wer':>12} {'share':>7} {'before':>17} {'wanted':>8} {'after':>17}"
        total = sum(self.sampling.shares)
        columns = (
            self.sampling.ranges(),
            self.sampling.shares,
            self.before.bins,
            self.sampling.wanted(),
            self.after.bins,
        )
        for (low, high), share, before, wanted, after in zip(*columns, strict=True):
            counts = f"{_part(before, self.before.rows)} {wanted:8} {_part(after, self.after.rows)}"
            yield f"{_range(low, high)} {100 * share / total:5.1f} % {counts}"
        yield f"{'histogram':>12} {'':7} {'before':>17} {'':8} {'after':>17}"
        for number, (before, after) in enumerate(zip(self.before.histogram, self.after.histogram, strict=True)):
            low = number * HISTOGRAM_STEP
            high = low + HISTOGRAM_STEP if number + 1 < HISTOGRAM_BINS else float("inf")
            counts = f"{_part(before, self.before.rows)} {'':8} {_part(after, self.after.rows)}"
            yield f"{_range(low, high)} {'':7} {counts}"


def _range(low: float, high: float) -> str:
    return f"{low:5.2f} -{high:5.2f}" if high < float("inf") else f"{low:5.2f} and up"


def _part(count: int, of: int) -> str:
    return f"{count:8} {100 * count / of if of else 0.0:6.1f} %"

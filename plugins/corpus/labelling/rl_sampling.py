"""The sampling rule of RL sets: how many rows of each bin of base WER, and which.

Rows are binned by ``base_wer``. Each bin has a share of the set; within a bin every row has the same chance, and no row
is drawn twice. A bin with fewer rows than its share gives all of them, and the other bins make up for it in proportion
to their own shares. A bin whose share is 0 gives none.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

from megaasr import ParameterError

DEFAULT_BOUNDS = (0.1, 0.3, 0.7)
"""0.3 is the WER at which the reward of the paper changes its weights, 0.7 the limit of its supervised training."""
DEFAULT_SHARES = (0.1, 0.2, 0.4, 0.3)
"""Shares of megaasr: the paper says only that medium and high WER are enriched."""


@dataclass(frozen=True)
class RlSampling:
    """The settings of the rule.

    Args:
        count: number of rows to draw.
        bounds: between the bins, ascending; a WER that equals a bound belongs to the bin above it.
        shares: of the bins, one more than bounds; they are divided by their sum.
        seed: of the draw.

    Raises:
        ParameterError: the settings are not as described.
    """

    count: int
    bounds: tuple[float, ...] = DEFAULT_BOUNDS
    shares: tuple[float, ...] = DEFAULT_SHARES
    seed: int = 0

    def __post_init__(self) -> None:
        if self.count < 1:
            raise ParameterError(f"count {self.count} is not above 0")
        if not all(0.0 < bound < math.inf for bound in self.bounds):
            raise ParameterError("bins: each bound must be a number above 0")
        if list(self.bounds) != sorted(set(self.bounds)):
            raise ParameterError("bins: the bounds must ascend")
        if len(self.shares) != len(self.bounds) + 1:
            raise ParameterError(
                f"shares: {len(self.bounds)} bounds make {len(self.bounds) + 1} bins, and there are "
                f"{len(self.shares)} shares"
            )
        if not all(0.0 <= share < math.inf for share in self.shares) or not any(self.shares):
            raise ParameterError("shares: numbers from 0 on are expected, one of them above 0")

    def bin_of(self, wer: float) -> int:
        """The number of the bin that a WER belongs to."""
        return bisect_right(self.bounds, wer)

    def ranges(self) -> list[tuple[float, float]]:
        """Lowest WER and upper bound (exclusive) of each bin; the last is infinite."""
        return list(zip((0.0, *self.bounds), (*self.bounds, math.inf), strict=True))

    def wanted(self) -> list[int]:
        """The numbers of rows that the shares ask for."""
        return quotas(self.shares, [self.count] * len(self.shares), self.count)

    def quotas(self, available: Sequence[int]) -> list[int]:
        """How many rows each bin gives; ParameterError where those with a share have fewer than `count` rows."""
        usable = sum(size for size, share in zip(available, self.shares, strict=True) if share)
        if usable < self.count:
            raise ParameterError(
                f"{self.count} rows are wanted, and the bins with a share hold {usable}; lower --count, or change "
                "--bins or --shares"
            )
        return quotas(self.shares, available, self.count)


def quotas(shares: Sequence[float], available: Sequence[int], count: int) -> list[int]:
    """Divide `count` among bins by their shares, at most what each holds; remainders go to the largest ones.

    What the bins with a share hold must be at least `count`.

    >>> quotas([0.1, 0.4, 0.5], [100, 100, 10], 100)
    [18, 72, 10]
    """
    taken = [0] * len(shares)
    weights = [Fraction(share) for share in shares]
    unfilled = {index for index, weight in enumerate(weights) if weight}
    while unfilled:
        rest = count - sum(taken)
        total = sum(weights[index] for index in unfilled)
        ideal = {index: rest * weights[index] / total for index in unfilled}
        full = {index for index in unfilled if ideal[index] >= available[index]}
        if not full:
            for index in unfilled:
                taken[index] = int(ideal[index])
            by_remainder = sorted(unfilled, key=lambda index: (int(ideal[index]) - ideal[index], -index))
            for index in by_remainder[: count - sum(taken)]:
                taken[index] += 1
            break
        for index in full:
            taken[index] = available[index]
        unfilled -= full
    return taken

"""Bootstrap intervals of an error rate, and of the difference between two (over utterances, percentile)."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from megaasr import SampleKey

RESAMPLES = 9_999
LEVEL = 0.95
Counts = npt.NDArray[np.int64]
Values = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Interval:
    """An estimate with its 95 % interval; `low` and `high` are None where one utterance cannot tell.

    An end of a relative difference is None too where it has no bound.
    """

    value: float
    low: float | None
    high: float | None


@dataclass(frozen=True)
class Sums:
    """Sums of one count, such as edits, over the utterances and over each resample of them.

    Args:
        whole: the sum over the utterances as they are.
        resampled: `RESAMPLES` sums; none for fewer than two utterances.
    """

    whole: int
    resampled: Counts

    def __sub__(self, other: Sums) -> Sums:
        return Sums(self.whole - other.whole, self.resampled - other.resampled)


def bootstrap_sums(columns: Sequence[Sequence[int]], seed: int = 0) -> list[Sums]:
    """Resample utterances with replacement, all columns together, and sum each column (Efron & Tibshirani 1993, 13.3).

    Args:
        columns: counts, a value an utterance; equal in length.
        seed: equal seeds and numbers of utterances choose equal resamples.
    """
    data = [np.asarray(column, np.int64) for column in columns]
    size = len(data[0])
    if size < 2:
        return [Sums(int(column.sum()), np.zeros(0, np.int64)) for column in data]
    rng = SampleKey(seed, "bootstrap").rng()
    batch = max(1, 2_000_000 // size)  # bounds the memory of one batch of resamples
    found: list[list[Counts]] = [[] for _ in data]
    for done in range(0, RESAMPLES, batch):
        chosen = rng.integers(0, size, (min(batch, RESAMPLES - done), size))
        for column, sums in zip(data, found, strict=True):
            sums.append(column[chosen].sum(-1))
    return [Sums(int(column.sum()), np.concatenate(sums)) for column, sums in zip(data, found, strict=True)]


def rate_of(counts: Sums, lengths: Sums) -> Interval:
    """Sum of counts / sum of reference lengths, at least one, with its interval; 0.1 is 10 %.

    With a difference of two counts as `counts` it is the difference of two rates on the same utterances.
    """
    return _interval(counts.whole / max(lengths.whole, 1), counts.resampled / np.maximum(lengths.resampled, 1))


def relative_of(edits: Sums, base_edits: Sums) -> Interval | None:
    """Sum of edits / sum of the base's edits - 1, resampled in pairs; -0.1 is a tenth fewer errors than the base.

    None where the base makes no error. In a resample where only the base makes none, it is beyond every bound.
    """
    if not base_edits.whole:
        return None
    with np.errstate(divide="ignore", invalid="ignore"):
        relative = edits.resampled / base_edits.resampled - 1.0
    relative[(edits.resampled == 0) & (base_edits.resampled == 0)] = 0.0  # neither makes one: no difference
    return _interval(edits.whole / base_edits.whole - 1.0, relative)


def error_rate(edits: Sequence[int], lengths: Sequence[int], seed: int = 0) -> Interval:
    """Micro-averaged error rate, sum of edits / sum of reference lengths.

    >>> error_rate([1, 0, 2], [4, 4, 4]).value
    0.25
    """
    return rate_of(*bootstrap_sums((edits, lengths), seed))


def rate_difference(edits: Sequence[int], base_edits: Sequence[int], lengths: Sequence[int], seed: int = 0) -> Interval:
    """Error rate minus the base's on the same utterances; below zero is better. Utterances are resampled in pairs."""
    ours, base, tokens = bootstrap_sums((edits, base_edits, lengths), seed)
    return rate_of(ours - base, tokens)


def _interval(value: float, resampled: Values) -> Interval:
    if not len(resampled):
        return Interval(value, None, None)
    return Interval(value, _quantile(resampled, (1 - LEVEL) / 2), _quantile(resampled, (1 + LEVEL) / 2))


def _quantile(resampled: Values, share: float) -> float | None:
    """By linear interpolation; None where it is not finite."""
    with np.errstate(invalid="ignore"):  # infinite neighbours
        found = float(np.quantile(resampled, share))
    return found if math.isfinite(found) else None

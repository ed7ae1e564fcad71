"""Bootstrap intervals of an error rate and of a difference of error rates (percentile, over clusters)."""

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
    """An estimate with its 95 % interval; `low` and `high` are None for fewer than two clusters.

    A limit of a relative difference is also None if it is infinite.
    """

    value: float
    low: float | None
    high: float | None


@dataclass(frozen=True)
class Sums:
    """Sums of one count, such as edits, over the utterances and over each bootstrap resample.

    Args:
        whole: sum over all utterances.
        resampled: `RESAMPLES` sums; empty for fewer than two clusters.
    """

    whole: int
    resampled: Counts

    def __sub__(self, other: Sums) -> Sums:
        return Sums(self.whole - other.whole, self.resampled - other.resampled)


def bootstrap_sums(
    columns: Sequence[Sequence[int]], seed: int = 0, clusters: Sequence[int] | None = None
) -> list[Sums]:
    """Resample clusters of utterances with replacement, all columns together, and sum each column.

    Utterances of one speaker, or renderings of one sentence, are not independent, and an interval over utterances is
    then too narrow. So all utterances of a drawn cluster are taken together, as often as it is drawn: the one-way
    cluster bootstrap (Field & Welsh 2007, J. R. Statist. Soc. B 69, 369-390; the bootstrap of WER, in pairs: Bisani &
    Ney 2004, ICASSP, I-409). The sums per cluster suffice, since a rate is a ratio of sums.

    Args:
        columns: counts, one value per utterance; equal in length.
        seed: equal seeds and numbers of clusters give equal resamples.
        clusters: number of each utterance's cluster; None: each utterance is a cluster.
    """
    data = [np.asarray(column, np.int64) for column in columns]
    totals = data if clusters is None else _sums_by_cluster(data, clusters)
    size = len(totals[0])
    if size < 2:
        return [Sums(int(column.sum()), np.zeros(0, np.int64)) for column in data]
    rng = SampleKey(seed, "bootstrap").rng()
    batch = max(1, 2_000_000 // size)  # bounds the memory of one batch of resamples
    resampled: list[list[Counts]] = [[] for _ in totals]
    for done in range(0, RESAMPLES, batch):
        indices = rng.integers(0, size, (min(batch, RESAMPLES - done), size))
        for column, sums in zip(totals, resampled, strict=True):
            sums.append(column[indices].sum(-1))
    return [Sums(int(column.sum()), np.concatenate(sums)) for column, sums in zip(totals, resampled, strict=True)]


def _sums_by_cluster(data: Sequence[Counts], clusters: Sequence[int]) -> list[Counts]:
    """The sum of each column over each cluster, in the order of the clusters' numbers."""
    numbers, places = np.unique(np.asarray(clusters, np.int64), return_inverse=True)
    totals = np.zeros((len(data), len(numbers)), np.int64)
    for total, column in zip(totals, data, strict=True):
        np.add.at(total, places, column)
    return list(totals)


def rate_of(counts: Sums, lengths: Sums) -> Interval:
    """Rate with interval: sum of counts / max(1, sum of reference lengths); 0.1 is 10 %.

    If `counts` is a difference of two counts, the result is the difference of two rates on the same utterances.
    """
    return _interval(counts.whole / max(lengths.whole, 1), counts.resampled / np.maximum(lengths.resampled, 1))


def relative_of(edits: Sums, base_edits: Sums) -> Interval | None:
    """Relative difference: sum of edits / sum of base edits - 1, resampled in pairs; -0.1 is 10 % fewer errors.

    None if the base makes no error. In a resample where only the base makes no error, the value is infinite.
    """
    if not base_edits.whole:
        return None
    with np.errstate(divide="ignore", invalid="ignore"):
        relative = edits.resampled / base_edits.resampled - 1.0
    relative[(edits.resampled == 0) & (base_edits.resampled == 0)] = 0.0  # neither makes an error: no difference
    return _interval(edits.whole / base_edits.whole - 1.0, relative)


def error_rate(
    edits: Sequence[int], lengths: Sequence[int], seed: int = 0, clusters: Sequence[int] | None = None
) -> Interval:
    """Micro-averaged error rate, sum of edits / sum of reference lengths.

    >>> error_rate([1, 0, 2], [4, 4, 4]).value
    0.25
    """
    return rate_of(*bootstrap_sums((edits, lengths), seed, clusters))


def rate_difference(
    edits: Sequence[int],
    base_edits: Sequence[int],
    lengths: Sequence[int],
    seed: int = 0,
    clusters: Sequence[int] | None = None,
) -> Interval:
    """Error rate minus the base's error rate on the same utterances, resampled in pairs; below zero is better."""
    system, base, tokens = bootstrap_sums((edits, base_edits, lengths), seed, clusters)
    return rate_of(system - base, tokens)


def _interval(value: float, resampled: Values) -> Interval:
    if not len(resampled):
        return Interval(value, None, None)
    return Interval(value, _quantile(resampled, (1 - LEVEL) / 2), _quantile(resampled, (1 + LEVEL) / 2))


def _quantile(resampled: Values, share: float) -> float | None:
    """Quantile by linear interpolation; None if it is not finite."""
    with np.errstate(invalid="ignore"):  # infinite neighbours
        quantile = float(np.quantile(resampled, share))
    return quantile if math.isfinite(quantile) else None

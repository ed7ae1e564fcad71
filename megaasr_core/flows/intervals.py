"""Bootstrap intervals of an error rate, and of the difference between two (over utterances, percentile)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from ..base.seeding import SampleKey

RESAMPLES = 9_999
LEVEL = 0.95
Counts = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Interval:
    """An estimate with its 95 % interval; `low` and `high` are None where one utterance cannot tell."""

    value: float
    low: float | None
    high: float | None


def error_rate(edits: Sequence[int], lengths: Sequence[int], seed: int = 0) -> Interval:
    """Micro-averaged error rate, sum of edits / sum of reference lengths.

    >>> error_rate([1, 0, 2], [4, 4, 4]).value
    0.25
    """
    data = (np.asarray(edits), np.asarray(lengths))
    return _interval(data, lambda e, n, axis: e.sum(axis) / np.maximum(n.sum(axis), 1), seed)


def rate_difference(edits: Sequence[int], base_edits: Sequence[int], lengths: Sequence[int], seed: int = 0) -> Interval:
    """Error rate minus the base's on the same utterances; below zero is better. Utterances are resampled in pairs."""
    data = (np.asarray(edits), np.asarray(base_edits), np.asarray(lengths))
    return _interval(data, lambda e, b, n, axis: (e.sum(axis) - b.sum(axis)) / np.maximum(n.sum(axis), 1), seed)


def _interval(data: tuple[Counts, ...], statistic: Callable[..., Any], seed: int) -> Interval:
    from scipy.stats import bootstrap

    value = float(statistic(*data, axis=0))
    if len(data[0]) < 2:
        return Interval(value, None, None)
    found = bootstrap(
        data,
        statistic,
        paired=True,
        vectorized=True,
        n_resamples=RESAMPLES,
        batch=max(1, 2_000_000 // len(data[0])),  # bounds the memory of one batch of resamples
        confidence_level=LEVEL,
        method="percentile",
        rng=SampleKey(seed, "bootstrap").rng(),
    ).confidence_interval
    return Interval(value, float(found.low), float(found.high))

"""Data points for the curves of `megaasr compare`: error rates of every system in bins of severity and of SNR."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..clusters import Clusters, clusters_of
from ..intervals import Interval, bootstrap_sums, rate_of
from ..slicing import CLEAN, is_clean, severity_of
from .systems import Lineup

Row = dict[str, Any]
MOST_VALUES = 10
"""Maximum number of distinct values, such as the SNRs of a corpus, for which each value is a separate point."""
SEVERITY_BINS = ((500, 0.1), (0, 0.2))
"""Pairs of minimum number of utterances and bin width; fewer utterances need wider bins."""
SNR_BINS_DB = ((20.0, 5.0), (0.0, 2.0))
"""Pairs of minimum range of the SNRs in dB and bin width in dB."""

LEAST_UTTERANCES = 10
"""A bin with fewer utterances is merged with its neighbour, because its bootstrap interval would be too narrow."""


@dataclass(frozen=True)
class Point:
    """One point of the curves.

    Args:
        x: mean of the values of its utterances; None for clean recordings, which have no value on the axis.
        utterances, tokens: number of utterances and of reference words or characters.
        rates: error rate by system; 0.1 is 10 %.
    """

    x: float | None
    utterances: int
    tokens: int
    rates: dict[str, Interval]


@dataclass(frozen=True)
class Curves:
    """The curves of all systems over one axis.

    Args:
        axis: ``severity`` or ``snr_db``; metric: ``wer`` or ``cer``.
        points: in the order of x; the point of clean recordings is first.
    """

    axis: str
    metric: str
    points: tuple[Point, ...]


def curves_of(lineup: Lineup, seed: int = 0, cluster: str | None = None) -> list[Curves]:
    """Curves against severity, and against SNR if rows have ``snr_db``, separately for each metric.

    Points with a single utterance are left out, and so is an axis with one point. `cluster` is what the intervals
    resample, as for `megaasr_plugins.evaluation.clusters.clusters_of`; a point of one cluster has none.

    Raises:
        ManifestError: a severity outside [0, 1].
    """
    curves = []
    clusters = clusters_of(lineup.base, cluster)
    for metric in sorted({row["metric"] for row in lineup.base}, reverse=True):
        members = [index for index, row in enumerate(lineup.base) if row["metric"] == metric]
        by_axis = (("severity", _by_severity(lineup.base, members)), ("snr_db", _by_snr(lineup.base, members)))
        for axis, groups in by_axis:
            points = tuple(_point(lineup, x, indices, seed, clusters) for x, indices in groups if len(indices) > 1)
            if sum(point.x is not None for point in points) > 1:
                curves.append(Curves(axis, metric, points))
    return curves


Group = tuple[float | None, list[int]]


def _by_severity(rows: Sequence[Row], members: Sequence[int]) -> list[Group]:
    rated = [
        index for index in members if _is_number(rows[index].get("severity")) and rows[index].get("scenario") != CLEAN
    ]
    values = {index: severity_of(rows[index]) for index in rated}
    width = next(width for least, width in SEVERITY_BINS if len(values) >= least)
    clean: Group = (None, [index for index in members if index not in values and is_clean(rows[index])])
    return [clean, *_bins(values, width, highest=1.0)]


def _by_snr(rows: Sequence[Row], members: Sequence[int]) -> list[Group]:
    values = {index: float(rows[index]["snr_db"]) for index in members if _is_number(rows[index].get("snr_db"))}
    span = max(values.values(), default=0.0) - min(values.values(), default=0.0)
    return _bins(values, next(width for least, width in SNR_BINS_DB if span >= least))


def _is_number(value: object) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _bins(values: dict[int, float], width: float, highest: float = math.inf) -> list[Group]:
    """Indices grouped into equal bins of the axis; the value `highest` belongs to the last bin."""
    few = len(set(values.values())) <= MOST_VALUES
    groups: dict[float, list[int]] = {}
    for index, value in values.items():
        # a small tolerance, because 0.3 / 0.1 is less than 3 in floating point
        part = value if few else math.floor(min(value, highest - width / 2) / width + 1e-9)
        groups.setdefault(part, []).append(index)
    bins = [groups[part] for part in sorted(groups)]
    return [
        (float(np.mean([values[index] for index in indices])), indices) for indices in (bins if few else _merged(bins))
    ]


def _merged(bins: Sequence[list[int]]) -> list[list[int]]:
    """Neighbouring bins merged until each holds at least `LEAST_UTTERANCES`, or a single bin is left."""
    merged: list[list[int]] = []
    for indices in bins:
        if merged and min(len(merged[-1]), len(indices)) < LEAST_UTTERANCES:
            merged[-1] = [*merged[-1], *indices]
        else:
            merged.append(list(indices))
    return merged


def _point(lineup: Lineup, x: float | None, indices: Sequence[int], seed: int, clusters: Clusters) -> Point:
    columns = [[rows[index]["num_edits"] for index in indices] for rows in lineup.systems.values()]
    base = [lineup.base[index] for index in indices]
    lengths, *edits = bootstrap_sums([[row["ref_len"] for row in base], *columns], seed, clusters.of(base))
    rates = {name: rate_of(sums, lengths) for name, sums in zip(lineup.systems, edits, strict=True)}
    return Point(x, len(indices), lengths.whole, rates)

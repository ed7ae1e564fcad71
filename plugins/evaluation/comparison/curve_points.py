"""What the curves of `megaasr compare` are drawn from: error rates of every system in bins of severity and of SNR."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..intervals import Interval, bootstrap_sums, rate_of
from ..slicing import CLEAN, is_clean, severity_of
from .systems import Lineup

Row = dict[str, Any]
MOST_VALUES = 10
"""Up to so many different values, such as the SNRs that a corpus was mixed at, are each a point of their own."""
SEVERITY_BINS = ((500, 0.1), (0, 0.2))
"""Width of a bin by the number of utterances: the fewer there are, the wider it has to be to say anything."""
SNR_BINS_DB = ((20.0, 5.0), (0.0, 2.0))
"""Width of a bin, dB, by the range that the SNRs span, dB."""

LEAST_UTTERANCES = 10
"""A bin of fewer is joined to its neighbour: its interval would look narrower than it is."""


@dataclass(frozen=True)
class Point:
    """One place on the curves.

    Args:
        x: the mean of its utterances' values; None for clean recordings, which have no place on the axis.
        utterances, tokens: how many utterances and reference words, or characters, it holds.
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
        points: from the left to the right; of clean recordings first.
    """

    axis: str
    metric: str
    points: tuple[Point, ...]


def curves_of(lineup: Lineup, seed: int = 0) -> list[Curves]:
    """Curves against severity, and against SNR where rows carry ``snr_db``, for each metric apart.

    A value that one utterance has is left out, since it has no interval; so is an axis with fewer than two points.

    Raises:
        ManifestError: a severity outside [0, 1].
    """
    found = []
    for metric in sorted({row["metric"] for row in lineup.base}, reverse=True):
        own = [index for index, row in enumerate(lineup.base) if row["metric"] == metric]
        for axis, groups in (("severity", _by_severity(lineup.base, own)), ("snr_db", _by_snr(lineup.base, own))):
            points = tuple(_point(lineup, x, chosen, seed) for x, chosen in groups if len(chosen) > 1)
            if sum(point.x is not None for point in points) > 1:
                found.append(Curves(axis, metric, points))
    return found


Group = tuple[float | None, list[int]]


def _by_severity(rows: Sequence[Row], own: Sequence[int]) -> list[Group]:
    rated = [index for index in own if _is_number(rows[index].get("severity")) and rows[index].get("scenario") != CLEAN]
    values = {index: severity_of(rows[index]) for index in rated}
    width = next(width for least, width in SEVERITY_BINS if len(values) >= least)
    clean: Group = (None, [index for index in own if index not in values and is_clean(rows[index])])
    return [clean, *_bins(values, width, highest=1.0)]


def _by_snr(rows: Sequence[Row], own: Sequence[int]) -> list[Group]:
    values = {index: float(rows[index]["snr_db"]) for index in own if _is_number(rows[index].get("snr_db"))}
    span = max(values.values(), default=0.0) - min(values.values(), default=0.0)
    return _bins(values, next(width for least, width in SNR_BINS_DB if span >= least))


def _is_number(value: object) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _bins(values: dict[int, float], width: float, highest: float = math.inf) -> list[Group]:
    """Indices by equal parts of the axis; the value `highest` belongs to the part that ends there."""
    few = len(set(values.values())) <= MOST_VALUES
    groups: dict[float, list[int]] = {}
    for index, value in values.items():
        # a small tolerance, since 0.3 / 0.1 is less than 3
        part = value if few else math.floor(min(value, highest - width / 2) / width + 1e-9)
        groups.setdefault(part, []).append(index)
    found = [groups[part] for part in sorted(groups)]
    return [(float(np.mean([values[index] for index in one])), one) for one in (found if few else _joined(found))]


def _joined(parts: Sequence[list[int]]) -> list[list[int]]:
    """Neighbours joined until each holds `LEAST_UTTERANCES`, or all are one."""
    found: list[list[int]] = []
    for part in parts:
        if found and min(len(found[-1]), len(part)) < LEAST_UTTERANCES:
            found[-1] = [*found[-1], *part]
        else:
            found.append(list(part))
    return found


def _point(lineup: Lineup, x: float | None, chosen: Sequence[int], seed: int) -> Point:
    columns = [[rows[index]["num_edits"] for index in chosen] for rows in lineup.systems.values()]
    lengths, *edits = bootstrap_sums([[lineup.base[index]["ref_len"] for index in chosen], *columns], seed)
    rates = {name: rate_of(sums, lengths) for name, sums in zip(lineup.systems, edits, strict=True)}
    return Point(x, len(chosen), lengths.whole, rates)

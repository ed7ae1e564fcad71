"""K-weighting filter of ITU-R BS.1770-4: a high shelf and a high-pass."""

from __future__ import annotations

import math
from functools import lru_cache

import numpy as np
from numba import njit

from megaasr import Samples

from .lanes import flushed, fma, load, splat, store
from .mixing import energy
from .parallel_parts import fetch, lengths, put
from .vector_types import LANES

Biquad = tuple[float, float, float, float, float]
"""b0, b1, b2, a1, a2, with a0 = 1."""


def high_shelf(
    sample_rate: int, gain_db: float = 4.0, quality: float = math.sqrt(0.5), corner_hz: float = 1500.0
) -> Biquad:
    """High shelf of the Audio EQ Cookbook (R. Bristow-Johnson); by default the first stage of the K-weighting.

    The cookbook's formulae apply to every sample rate; BS.1770 tabulates coefficients only for 48 kHz.
    """
    a = 10.0 ** (gain_db / 40.0)
    w = 2.0 * math.pi * corner_hz / sample_rate
    cos, root = math.cos(w), math.sqrt(a) * math.sin(w) / quality
    a0 = (a + 1.0) - (a - 1.0) * cos + root
    return (
        a * ((a + 1.0) + (a - 1.0) * cos + root) / a0,
        -2.0 * a * ((a - 1.0) + (a + 1.0) * cos) / a0,
        a * ((a + 1.0) + (a - 1.0) * cos - root) / a0,
        2.0 * ((a - 1.0) - (a + 1.0) * cos) / a0,
        ((a + 1.0) - (a - 1.0) * cos - root) / a0,
    )


def high_pass_pole(sample_rate: int, corner_hz: float = 38.0) -> float:
    """The double pole p of the cookbook's second-order high-pass at Q = 0.5, by default that of the K-weighting.

    At this Q the denominator is a square: ``b (1 - z^-1)^2 / (1 - p z^-1)^2`` with ``b = ((1 + p) / 2)^2``.
    """
    w = 2.0 * math.pi * corner_hz / sample_rate
    return math.cos(w) / (1.0 + math.sin(w))


@lru_cache(maxsize=256)
def settings(num_samples: int, sample_rate: int) -> tuple[Samples, int, int, float]:
    """Arguments of `weighted_energies` for a clip: coefficients, part lengths, and the omitted power gain."""
    pole = high_pass_pole(sample_rate)
    numbers = np.array([*high_shelf(sample_rate), pole], np.float32)
    return numbers, *lengths(num_samples, pole, 2, 1e-5), ((1.0 + pole) / 2.0) ** 4


@njit(cache=True, nogil=True)
def weighted_energies(samples, length, early, numbers, edges):  # type: ignore[no-untyped-def]
    """Energy of the K-weighted samples between consecutive edges, without the constant gain; for compiled code.

    If every edge is a multiple of sixteen, only the energies of groups of sixteen samples are stored, not the weighted
    samples. Samples beyond the end are not counted.
    """
    num_samples = len(samples)
    energies = np.zeros(len(edges) - 1)
    if (edges[:-1] % LANES).any():
        weighted, by_sixteen = np.empty(length * LANES, np.float32), np.empty(0, np.float32)
        _weigh(samples, length, early, numbers, weighted, by_sixteen)
        for each in range(len(energies)):
            energies[each] = energy(weighted, min(edges[each], num_samples), min(edges[each + 1], num_samples))
        return energies
    weighted, by_sixteen = np.empty(0, np.float32), np.empty(length, np.float32)
    _weigh(samples, length, early, numbers, weighted, by_sixteen)
    for each in range(len(energies)):
        start, stop = edges[each] // LANES, (min(edges[each + 1], num_samples) + LANES - 1) // LANES
        sums = np.zeros(4)
        for place in range(start, stop - 3, 4):
            for k in range(4):
                sums[k] += by_sixteen[place + k]
        for place in range(start + max(0, stop - start) // 4 * 4, stop):
            sums[0] += by_sixteen[place]
        energies[each] = sums.sum()
    return energies


@njit(cache=True, nogil=True)
def _weigh(samples, length, early, numbers, weighted, by_sixteen):  # type: ignore[no-untyped-def]
    """Apply the shelf in direct form I, then twice ``y = x - x1 + pole y1``, without the constant gain.

    Stores the samples in `weighted`, or the energies of groups of sixteen in `by_sixteen`, whichever is not empty.
    """
    num_samples, tiles = len(samples), length // LANES
    tile, row = np.empty(LANES * LANES, np.float32), np.empty(LANES, np.float32)
    b0, b1, b2 = splat(numbers[0]), splat(numbers[1]), splat(numbers[2])
    a1, a2, pole = splat(-numbers[3]), splat(-numbers[4]), splat(numbers[5])
    x1 = x2 = y1 = y2 = u = z = splat(0.0)
    for step in range(-early, length, LANES):
        fetch(samples, num_samples, step, length, tile)
        y1, y2, u, z = flushed(y1), flushed(y2), flushed(u), flushed(z)
        summed = splat(0.0)
        for i in range(0, LANES * LANES, LANES):
            x = load(tile, i)
            y = fma(a1, y1, fma(a2, y2, fma(b2, x2, fma(b1, x1, b0 * x))))
            u1, u = u, fma(pole, u, y - y1)
            z = fma(pole, z, u - u1)
            x2, x1, y2, y1 = x1, x, y1, y
            store(tile, i, z)
            summed = fma(z, z, summed)
        if step < 0:
            continue
        if len(weighted):
            put(tile, weighted, step, length)
        else:
            store(row, 0, summed)
            for part in range(LANES):
                by_sixteen[part * tiles + step // LANES] = row[part]
            if step == num_samples % length // LANES * LANES:  # the filter's output beyond the end is not counted
                kept = np.float32(0.0)
                for i in range(num_samples % LANES):
                    kept += tile[i * LANES + num_samples // length] ** 2
                by_sixteen[num_samples // LANES : num_samples // LANES + 1] = kept

"""Integrated loudness by ITU-R BS.1770-4 at any sample rate; agrees with pyloudnorm."""

from __future__ import annotations

import math
from functools import lru_cache

import numpy as np
import numpy.typing as npt
from numba import njit

from megaasr import Samples

from .k_weighting import settings, weighted_energies

BLOCK_S, STEP = 0.4, 0.25
"""Gating blocks last 0.4 s and overlap by three quarters."""
STEPS = round(1.0 / STEP)
ABSOLUTE_GATE_LUFS, RELATIVE_GATE_LU = -70.0, -10.0
OFFSET_DB = -0.691


def integrated_loudness(samples: Samples, sample_rate: int) -> float:
    """Integrated loudness in LUFS; -inf if every block is below the absolute gate, nan for less than one block.

    Args:
        samples: shape (num_samples,).
        sample_rate: in Hz.
    """
    if len(samples) < BLOCK_S * sample_rate:
        return math.nan
    # The last block may extend beyond the end by half a step; its energy is still divided by the full block length.
    num_blocks = round((len(samples) / sample_rate - BLOCK_S) / (BLOCK_S * STEP)) + 1
    numbers, length, early, power = settings(len(samples), sample_rate)
    edges = _edges(num_blocks, sample_rate)
    return float(_loudness(samples, length, early, numbers, edges, power, num_blocks, sample_rate))


@lru_cache(maxsize=256)
def _edges(num_blocks: int, sample_rate: int) -> npt.NDArray[np.int64]:
    """Edges of the steps of the blocks, in samples."""
    return (BLOCK_S * (np.arange(num_blocks + STEPS) * STEP) * sample_rate).astype(np.int64)


@njit(cache=True, nogil=True)
def _loudness(samples, length, early, numbers, edges, power, num_blocks, sample_rate):  # type: ignore[no-untyped-def]
    """Apply the two-stage gate to blocks of four steps each."""
    energies = weighted_energies(samples, length, early, numbers, edges)
    powers = np.zeros(num_blocks)
    for block in range(num_blocks):
        powers[block] = power * energies[block : block + STEPS].sum() / (BLOCK_S * sample_rate)
    loud = powers[powers >= 10.0 ** ((ABSOLUTE_GATE_LUFS - OFFSET_DB) / 10.0)]
    if len(loud) == 0:
        return -math.inf
    louder = loud[loud > loud.mean() * 10.0 ** (RELATIVE_GATE_LU / 10.0)]
    return OFFSET_DB + 10.0 * math.log10(louder.mean())

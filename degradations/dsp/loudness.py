"""Integrated loudness by ITU-R BS.1770-4, measured as pyloudnorm does at any rate."""

from __future__ import annotations

import math

import numpy as np
from numba import njit

from megaasr_core.base.audio import Samples

from .denormals import flushed

BLOCK_S, STEP = 0.4, 0.25
"""Gating blocks last 0.4 s and overlap by three quarters."""
ABSOLUTE_GATE_LUFS, RELATIVE_GATE_LU = -70.0, -10.0
OFFSET_DB = -0.691

Biquad = tuple[float, float, float, float, float]
"""b0, b1, b2, a1, a2, with a0 = 1."""


def integrated_loudness(samples: Samples, sample_rate: int) -> float:
    """Loudness in LUFS; -inf when every block is below the absolute gate, nan when there is less than one block.

    The K-weighting is a high shelf (+4 dB, 1500 Hz, Q 1/sqrt 2) and a high-pass (38 Hz, Q 0.5) by the formulae of the
    Audio EQ Cookbook (R. Bristow-Johnson), which suit every rate; BS.1770 tabulates coefficients for 48 kHz only.

    Args:
        samples: shape (num_samples,).
        sample_rate: in Hz.
    """
    if len(samples) < BLOCK_S * sample_rate:
        return math.nan
    # The last block may reach beyond the end by half a step: it is then divided by its full length all the same.
    num_blocks = round((len(samples) / sample_rate - BLOCK_S) / (BLOCK_S * STEP)) + 1
    lower = (BLOCK_S * (np.arange(num_blocks) * STEP) * sample_rate).astype(np.int64)
    upper = (BLOCK_S * (np.arange(num_blocks) * STEP + 1) * sample_rate).astype(np.int64)
    energy = _running_energy(samples.astype(np.float64), high_shelf(sample_rate), high_pass(sample_rate))
    power = (energy[np.minimum(upper, len(samples))] - energy[lower]) / (BLOCK_S * sample_rate)
    absolute = 10.0 ** ((ABSOLUTE_GATE_LUFS - OFFSET_DB) / 10.0)
    loud = power[power >= absolute]
    if len(loud) == 0:
        return -math.inf
    relative = loud.mean() * 10.0 ** (RELATIVE_GATE_LU / 10.0)
    return OFFSET_DB + 10.0 * math.log10(loud[loud > relative].mean())


def high_shelf(
    sample_rate: int, gain_db: float = 4.0, quality: float = math.sqrt(0.5), corner_hz: float = 1500.0
) -> Biquad:
    """The cookbook's high shelf; by default the head of the K-weighting."""
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


def high_pass(sample_rate: int, quality: float = 0.5, corner_hz: float = 38.0) -> Biquad:
    """The cookbook's second-order high-pass; by default that of the K-weighting."""
    w = 2.0 * math.pi * corner_hz / sample_rate
    cos, alpha = math.cos(w), math.sin(w) / (2.0 * quality)
    a0 = 1.0 + alpha
    b = (1.0 + cos) / (2.0 * a0)
    return b, -2.0 * b, b, -2.0 * cos / a0, (1.0 - alpha) / a0


@njit(cache=True, nogil=True, fastmath=False)
def _running_energy(samples, shelf, high):  # type: ignore[no-untyped-def]
    """Energy of the K-weighted signal up to each sample, shape (num_samples + 1,); biquads in transposed form II."""
    p0, p1, p2, q1, q2 = shelf
    b0, b1, b2, a1, a2 = high
    energy = np.zeros(len(samples) + 1)
    s1 = s2 = t1 = t2 = total = 0.0
    for i in range(len(samples)):
        x = samples[i]
        y = flushed(p0 * x + s1)
        s1 = (p1 * x + s2) - q1 * y
        s2 = p2 * x - q2 * y
        z = flushed(b0 * y + t1)
        t1 = (b1 * y + t2) - a1 * z
        t2 = b2 * y - a2 * z
        total += z * z
        energy[i + 1] = total
    return energy

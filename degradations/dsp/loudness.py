"""Integrated loudness by ITU-R BS.1770-4, measured as pyloudnorm does at any rate."""

from __future__ import annotations

import math

import numpy as np
from numba import njit

from megaasr_core.base.audio import Samples

BLOCK_S, STEP = 0.4, 0.25
"""Gating blocks last 0.4 s and overlap by three quarters."""
ABSOLUTE_GATE_LUFS, RELATIVE_GATE_LU = -70.0, -10.0
OFFSET_DB = -0.691


def integrated_loudness(samples: Samples, sample_rate: int) -> float:
    """Loudness in LUFS; -inf when every block is below the absolute gate, nan when there is less than one block.

    The K-weighting is a high shelf (+4 dB, 1500 Hz, Q 1/sqrt 2) and a high-pass (38 Hz, Q 0.5) by the formulae of the
    Audio EQ Cookbook (R. Bristow-Johnson), which suit every rate; BS.1770 tabulates coefficients for 48 kHz only.
    """
    if len(samples) < BLOCK_S * sample_rate:
        return math.nan
    num_blocks = round((len(samples) / sample_rate - BLOCK_S) / (BLOCK_S * STEP)) + 1
    lower = (BLOCK_S * (np.arange(num_blocks) * STEP) * sample_rate).astype(np.int64)
    upper = (BLOCK_S * (np.arange(num_blocks) * STEP + 1) * sample_rate).astype(np.int64)
    energy = _running_energy(samples, *_shelf(sample_rate), *_highpass(sample_rate))
    last = len(samples)
    power = (energy[np.minimum(upper, last)] - energy[np.minimum(lower, last)]) / (BLOCK_S * sample_rate)
    with np.errstate(divide="ignore"):
        loudness = OFFSET_DB + 10.0 * np.log10(power)
    loud = power[loudness >= ABSOLUTE_GATE_LUFS]
    if len(loud) == 0:
        return -math.inf
    gate = OFFSET_DB + 10.0 * math.log10(loud.mean()) + RELATIVE_GATE_LU
    return OFFSET_DB + 10.0 * math.log10(power[(loudness > gate) & (loudness > ABSOLUTE_GATE_LUFS)].mean())


def _shelf(
    sample_rate: int, gain_db: float = 4.0, q: float = 1 / math.sqrt(2), corner_hz: float = 1500.0
) -> tuple[float, ...]:
    a = 10.0 ** (gain_db / 40.0)
    w = 2.0 * math.pi * corner_hz / sample_rate
    alpha, cos = math.sin(w) / (2.0 * q), math.cos(w)
    root = 2.0 * math.sqrt(a) * alpha
    a0 = (a + 1) - (a - 1) * cos + root
    b = (a * ((a + 1) + (a - 1) * cos + root), -2 * a * ((a - 1) + (a + 1) * cos), a * ((a + 1) + (a - 1) * cos - root))
    return (*(value / a0 for value in b), 2 * ((a - 1) - (a + 1) * cos) / a0, ((a + 1) - (a - 1) * cos - root) / a0)


def _highpass(sample_rate: int, q: float = 0.5, corner_hz: float = 38.0) -> tuple[float, ...]:
    w = 2.0 * math.pi * corner_hz / sample_rate
    alpha, cos = math.sin(w) / (2.0 * q), math.cos(w)
    a0 = 1.0 + alpha
    return ((1 + cos) / 2 / a0, -(1 + cos) / a0, (1 + cos) / 2 / a0, -2 * cos / a0, (1 - alpha) / a0)


@njit(cache=True, nogil=True)
def _running_energy(samples, b0, b1, b2, a1, a2, d0, d1, d2, c1, c2):  # type: ignore[no-untyped-def]
    """Energy of the K-weighted signal up to each sample, shape (num_samples + 1,); biquads in transposed form II."""
    energy = np.zeros(len(samples) + 1)
    s1 = s2 = t1 = t2 = 0.0
    for i in range(len(samples)):
        x = samples[i]
        y = b0 * x + s1
        s1 = b1 * x - a1 * y + s2
        s2 = b2 * x - a2 * y
        z = d0 * y + t1
        t1 = d1 * y - c1 * z + t2
        t2 = d2 * y - c2 * z
        energy[i + 1] = energy[i] + z * z
    return energy

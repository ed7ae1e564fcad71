"""First-order low-pass and high-pass sections by the bilinear transform, 6 dB an octave each."""

from __future__ import annotations

import math

import numpy as np
from numba import njit

from megaasr_core.base.audio import Samples


def first_order(samples: Samples, sample_rate: int, kind: str, cutoff_hz: float, repeat: int) -> Samples:
    """Filter `repeat` times with the same section; the cutoff is where one pass has -3 dB.

    With ``k = tan(pi * cutoff_hz / sample_rate)``: low-pass ``b = [k, k] / (1 + k)``, high-pass
    ``b = [1, -1] / (1 + k)``, both ``a = [1, (k - 1) / (k + 1)]``.

    Args:
        samples: shape (num_samples,).
        kind: ``lowpass`` or ``highpass``.
        cutoff_hz: below half the sample rate.
        repeat: at least 1.
    """
    k = math.tan(math.pi * cutoff_hz / sample_rate)
    b0, b1 = (k / (1.0 + k), k / (1.0 + k)) if kind == "lowpass" else (1.0 / (1.0 + k), -1.0 / (1.0 + k))
    return _first_order(samples, b0, b1, (k - 1.0) / (k + 1.0), repeat)


@njit(cache=True, nogil=True)
def _first_order(samples, b0, b1, a1, repeat):  # type: ignore[no-untyped-def]
    work = samples.astype(np.float64)
    for _ in range(repeat):
        state = 0.0
        for i in range(len(work)):
            x = work[i]
            y = b0 * x + state
            state = b1 * x - a1 * y + 1e-18 - 1e-18  # flushes denormals
            work[i] = y
    return work.astype(np.float32)

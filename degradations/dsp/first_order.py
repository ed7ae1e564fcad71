"""First-order low-pass and high-pass sections by the bilinear transform, 6 dB an octave each."""

from __future__ import annotations

import math

import numpy as np
from numba import njit

from megaasr_core.base.audio import Samples
from megaasr_core.base.errors import ParameterError, unknown_name

from .denormals import flushed


def first_order(samples: Samples, sample_rate: int, kind: str, cutoff_hz: float, repeat: int) -> Samples:
    """Filter `repeat` times with the same section; the cutoff is where one pass has -3 dB.

    With ``k = tan(pi * cutoff_hz / sample_rate)``: low-pass ``b = [k, k] / (1 + k)``, high-pass
    ``b = [1, -1] / (1 + k)``, both ``a = [1, (k - 1) / (k + 1)]``.

    Args:
        samples: shape (num_samples,).
        sample_rate: in Hz.
        kind: ``lowpass`` or ``highpass``.
        cutoff_hz: above 0 and below half the sample rate.
        repeat: number of passes; none leaves the samples as they are.

    Raises:
        UnknownNameError: another `kind`.
        ParameterError: a cutoff out of bounds, where the section would not be stable.
    """
    if not 0.0 < cutoff_hz < sample_rate / 2:
        raise ParameterError(
            f"{kind}: cutoff_hz = {cutoff_hz:g} must be above 0 and below half the sample rate, {sample_rate / 2:g} Hz"
        )
    k = math.tan(math.pi * cutoff_hz / sample_rate)
    if kind == "lowpass":
        b0 = b1 = k / (1.0 + k)
    elif kind == "highpass":
        b0, b1 = 1.0 / (1.0 + k), -1.0 / (1.0 + k)
    else:
        raise unknown_name("filter", kind, ("highpass", "lowpass"))
    work = samples.astype(np.float64)
    for _ in range(repeat):
        _section(work, b0, b1, (k - 1.0) / (k + 1.0))
    return work.astype(np.float32)


@njit(cache=True, nogil=True, fastmath=False)
def _section(work, b0, b1, a1):  # type: ignore[no-untyped-def]
    """One pass, in place."""
    last_in = last_out = 0.0
    for i in range(len(work)):
        this_in = work[i]
        last_out = flushed(b0 * this_in + b1 * last_in - a1 * last_out)
        last_in = this_in
        work[i] = last_out

"""First-order low-pass and high-pass sections from the bilinear transform, 6 dB per octave each."""

from __future__ import annotations

import math

import numpy as np
from numba import njit

from megaasr import ParameterError, Samples, unknown_name

from .buffers import room_for
from .lanes import flushed, fma, load, splat, store
from .parallel_parts import fetch, lengths, put
from .vector_types import LANES

LEAST_GAIN = 1e-36
"""The gain of all passes comes last: what is summed up before it must stay within single precision."""


def first_order(samples: Samples, sample_rate: int, kind: str, cutoff_hz: float, repeat: int) -> Samples:
    """Filter `repeat` times with the same section; one pass has -3 dB at the cutoff.

    With ``k = tan(pi * cutoff_hz / sample_rate)``: low-pass ``b = [k, k] / (1 + k)``, high-pass
    ``b = [1, -1] / (1 + k)``, both ``a = [1, (k - 1) / (k + 1)]``. Computed in single precision, as in audio plug-ins.

    Args:
        samples: shape (num_samples,).
        sample_rate: in Hz.
        kind: ``lowpass`` or ``highpass``.
        cutoff_hz: above 0 and below half the sample rate.
        repeat: number of passes; 0 returns a copy of the samples.

    Raises:
        UnknownNameError: `kind` is neither of the two.
        ParameterError: the cutoff is out of bounds, where the section would be unstable.
    """
    if not 0.0 < cutoff_hz < sample_rate / 2:
        raise ParameterError(
            f"{kind}: cutoff_hz = {cutoff_hz:g} must be above 0 and below half the sample rate, {sample_rate / 2:g} Hz"
        )
    k = math.tan(math.pi * cutoff_hz / sample_rate)
    pole = float(np.float32((1.0 - k) / (1.0 + k)))
    if kind == "lowpass":  # k / (1 + k), computed from the rounded pole so that the gain at 0 Hz is exactly 1
        gain, sign = (1.0 - pole) / 2.0, 1.0
    elif kind == "highpass":
        gain, sign = (1.0 + pole) / 2.0, -1.0
    else:
        raise unknown_name("filter", kind, ("highpass", "lowpass"))
    if repeat == 0:
        return samples.copy()
    if repeat > 1 and gain**repeat < LEAST_GAIN:
        half = first_order(samples, sample_rate, kind, cutoff_hz, repeat // 2)
        return first_order(half, sample_rate, kind, cutoff_hz, repeat - repeat // 2)
    out = room_for(len(samples))
    length, early = lengths(len(samples), pole, repeat)
    _passes(samples, out, length, early, np.float32(gain**repeat), sign, np.float32(pole), repeat)
    return out[: len(samples)]


@njit(cache=True, nogil=True)
def _passes(samples, out, length, early, gain, sign, pole, repeat):  # type: ignore[no-untyped-def]
    """``y = x + sign x1 + pole y1`` in every part, `repeat` times per tile; the last pass applies the total gain."""
    tile = np.empty(LANES * LANES, np.float32)
    inputs, outputs = np.zeros((repeat, LANES), np.float32), np.zeros((repeat, LANES), np.float32)
    signs, poles, gains = splat(sign), splat(pole), splat(gain)
    for step in range(-early, length, LANES):
        fetch(samples, len(samples), step, length, tile)
        for each in range(repeat):
            before, y = load(inputs[each], 0), flushed(load(outputs[each], 0))
            for i in range(0, LANES * LANES, LANES):
                x = load(tile, i)
                y = fma(poles, y, fma(signs, before, x))
                before = x
                store(tile, i, y * gains if each == repeat - 1 else y)
            store(inputs[each], 0, before)
            store(outputs[each], 0, y)
        if step >= 0:
            put(tile, out, step, length)

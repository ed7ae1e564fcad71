"""Feedback delay line: adds discrete echoes."""

from __future__ import annotations

import numpy as np
from numba import njit

from megaasr import Samples

from .buffers import room_for
from .lanes import flushed, fma, load, load_until, splat, store
from .vector_types import LANES


def echo(samples: Samples, sample_rate: int, delay_s: float, feedback: float, mix: float) -> Samples:
    """Add echoes: ``y[i] = (1 - mix) x[i] + mix d[i]``, ``d[i] = x[i - n] + feedback d[i - n]``, n the delay.

    Args:
        samples: shape (num_samples,); the length is kept, later echoes are cut.
        sample_rate: in Hz.
        delay_s: delay in seconds; see `delay_samples`.
        feedback: level of each echo relative to the previous one, in [0, 1).
        mix: share of the echoes, in [0, 1].
    """
    delay = delay_samples(delay_s, sample_rate)
    repeat = _repeat if delay >= LANES else _repeat_closely
    out = room_for(len(samples))
    repeat(samples, len(samples), out, delay, np.float32(feedback), np.float32(1.0 - mix), np.float32(mix))
    return out[: len(samples)]


def delay_samples(delay_s: float, sample_rate: int) -> int:
    """The delay in whole samples, at least 1: `delay_s` in single precision times the rate, rounded down.

    Audio plug-ins such as pedalboard, whose delay is a float32, round in the same way. A delay of k samples given as
    ``k / sample_rate`` seconds may therefore become k - 1.

    >>> delay_samples(0.1, 16_000), delay_samples(0.29, 16_000)
    (1600, 4639)
    """
    return max(1, int(float(np.float32(delay_s)) * sample_rate))


@njit(cache=True, nogil=True)
def _repeat(samples, num_samples, out, delay, feedback, dry, wet):  # type: ignore[no-untyped-def]
    """Vectorised delay line: ``line[delay + i] = x[i] + feedback line[i]``, so that d[i] is line[i]."""
    line = np.empty(num_samples + delay + LANES, np.float32)
    line[:delay] = 0.0
    for i in range(0, num_samples, LANES):
        x, past = load_until(samples, i, num_samples), load(line, i)
        store(line, delay + i, flushed(fma(past, splat(feedback), x)))
        store(out, i, fma(past, splat(wet), x * splat(dry)))


@njit(cache=True, nogil=True)
def _repeat_closely(samples, num_samples, out, delay, feedback, dry, wet):  # type: ignore[no-untyped-def]
    """Scalar delay line, for delays that are shorter than a vector."""
    line = np.zeros(num_samples + delay, np.float64)
    for i in range(num_samples):
        repeat = samples[i] + feedback * line[i]
        line[delay + i] = 0.0 if abs(repeat) < 1e-30 else repeat
        out[i] = dry * samples[i] + wet * line[i]

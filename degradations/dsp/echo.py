"""A feedback delay line: discrete repeats."""

from __future__ import annotations

import numpy as np
from numba import njit

from megaasr_core.base.audio import Samples

from .denormals import flushed


def echo(samples: Samples, sample_rate: int, delay_s: float, feedback: float, mix: float) -> Samples:
    """Mix repeats in: ``y[i] = (1 - mix) x[i] + mix d[i]``, ``d[i] = x[i - n] + feedback d[i - n]``, n the delay.

    Args:
        samples: shape (num_samples,); the length stays, later repeats are cut.
        sample_rate: in Hz.
        delay_s: in seconds; see `delay_samples`.
        feedback: in [0, 1).
        mix: in [0, 1].
    """
    delay = delay_samples(delay_s, sample_rate)
    return _echo(samples.astype(np.float64), delay, float(feedback), float(mix)).astype(np.float32)


def delay_samples(delay_s: float, sample_rate: int) -> int:
    """The delay in whole samples, at least one: that of the single-precision seconds, rounded down.

    This is how audio plug-ins (pedalboard among them) round, where the seconds are a float; a delay of k samples given
    as ``k / sample_rate`` seconds may become k - 1.

    >>> delay_samples(0.1, 16_000), delay_samples(0.29, 16_000)
    (1600, 4639)
    """
    return max(1, int(float(np.float32(delay_s)) * sample_rate))


@njit(cache=True, nogil=True, fastmath=False)
def _echo(samples, delay, feedback, mix):  # type: ignore[no-untyped-def]
    num_samples = len(samples)
    delayed = np.zeros(num_samples)
    for i in range(delay, num_samples):
        delayed[i] = flushed(samples[i - delay] + feedback * delayed[i - delay])
    for i in range(num_samples):
        samples[i] = (1.0 - mix) * samples[i] + mix * delayed[i]
    return samples

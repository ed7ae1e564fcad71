"""A feedback delay line: discrete repeats."""

from __future__ import annotations

import numpy as np
from numba import njit

from megaasr_core.base.audio import Samples


def echo(samples: Samples, sample_rate: int, delay_s: float, feedback: float, mix: float) -> Samples:
    """Mix repeats in: ``y[i] = (1 - mix) x[i] + mix d[i]``, ``d[i] = x[i - n] + feedback d[i - n]``, n the delay.

    Args:
        samples: shape (num_samples,); the length stays, later repeats are cut.
        delay_s: rounded down to whole samples, at least one.
        feedback, mix: in [0, 1].
    """
    return _echo(samples, max(1, int(delay_s * sample_rate)), feedback, mix)


@njit(cache=True, nogil=True)
def _echo(samples, delay, feedback, mix):  # type: ignore[no-untyped-def]
    num_samples = len(samples)
    delayed = np.zeros(num_samples)
    result = np.empty(num_samples, np.float32)
    for i in range(num_samples):
        if i >= delay:
            delayed[i] = samples[i - delay] + feedback * delayed[i - delay]
        result[i] = (1.0 - mix) * samples[i] + mix * delayed[i]
    return result

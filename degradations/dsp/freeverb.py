"""Freeverb: Schroeder's reverberator as Jezar at Dreampoint tuned it (public domain): eight combs, four allpasses."""

from __future__ import annotations

import numpy as np
from numba import njit

from megaasr_core.base.audio import Samples

from .denormals import flushed

TUNED_RATE_HZ = 44_100
COMBS = (1116, 1188, 1277, 1356, 1422, 1491, 1557, 1617)
ALLPASSES = (556, 441, 341, 225)
"""Delays in samples at the tuned rate."""
INPUT_GAIN = 0.015
WET_SCALE, DRY_SCALE = 3.0, 2.0
ROOM_SCALE, ROOM_OFFSET = 0.28, 0.7
DAMPING_SCALE = 0.4
ALLPASS_FEEDBACK = 0.5


def freeverb(
    samples: Samples,
    sample_rate: int,
    room_size: float,
    damping: float,
    wet_level: float,
    dry_level: float,
    width: float = 1.0,
) -> Samples:
    """Reverberate; length and timing of the direct sound stay, the tail beyond the end is cut.

    A comb feeds back ``room_size * 0.28 + 0.7`` of its output through a one-pole low-pass of coefficient
    ``damping * 0.4``; the sum of the combs runs through the allpasses ``(1.5 z^-n - 1) / (1 - 0.5 z^-n)``, and the
    result is ``2 * dry_level * x + 3 * wet_level * (1 + width) / 2 * reverberation``, the mono path of JUCE's Reverb.

    Args:
        samples: shape (num_samples,).
        sample_rate: in Hz; the delays are scaled to it and rounded down.
        room_size, damping, wet_level, dry_level: each in [0, 1].
        width: of the stereo image, in [0, 1]; with one channel merely a factor on the wet level.
    """
    combs = np.array([max(1, delay * sample_rate // TUNED_RATE_HZ) for delay in COMBS])
    allpasses = np.array([max(1, delay * sample_rate // TUNED_RATE_HZ) for delay in ALLPASSES])
    feedback = float(room_size) * ROOM_SCALE + ROOM_OFFSET
    wet = wet_level * WET_SCALE * 0.5 * (1.0 + width)
    dry = samples.astype(np.float64)
    reverberation = _reverberation(dry, combs, allpasses, feedback, float(damping) * DAMPING_SCALE)
    return (dry_level * DRY_SCALE * dry + wet * reverberation).astype(np.float32)


@njit(cache=True, nogil=True, fastmath=False)
def _reverberation(samples, combs, allpasses, feedback, damping):  # type: ignore[no-untyped-def]
    # One line after the other over the whole clip: each fits the nearest cache.
    reverberation = np.zeros(len(samples))
    for delay in combs:
        line = np.zeros(delay)
        low = 0.0
        at = 0
        for i in range(len(samples)):
            out = line[at]
            low = out * (1.0 - damping) + low * damping
            line[at] = flushed(samples[i] * INPUT_GAIN + low * feedback)
            reverberation[i] += out
            at += 1
            if at == delay:
                at = 0
    for delay in allpasses:
        line = np.zeros(delay)
        at = 0
        for i in range(len(samples)):
            out = line[at]
            line[at] = flushed(reverberation[i] + out * ALLPASS_FEEDBACK)
            reverberation[i] = out - reverberation[i]
            at += 1
            if at == delay:
                at = 0
    return reverberation

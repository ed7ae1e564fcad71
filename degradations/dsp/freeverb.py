"""Freeverb: Schroeder's reverberator as Jezar at Dreampoint tuned it (public domain): eight combs, four allpasses."""

from __future__ import annotations

import numpy as np
from numba import njit

from megaasr_core.base.audio import Samples

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
    samples: Samples, sample_rate: int, room_size: float, damping: float, wet_level: float, dry_level: float
) -> Samples:
    """Reverberate; length and timing of the direct sound stay.

    A comb feeds back ``room_size * 0.28 + 0.7`` of its output through a one-pole low-pass of coefficient
    ``damping * 0.4``; the sum of the combs runs through the allpasses, and the result is
    ``2 * dry_level * x + 3 * wet_level * reverberation`` (the mono path of JUCE's Reverb at full width).

    Args:
        samples: shape (num_samples,).
        room_size, damping, wet_level, dry_level: each in [0, 1].
    """
    scale = sample_rate / TUNED_RATE_HZ
    combs = np.array([max(1, int(delay * scale)) for delay in COMBS])
    allpasses = np.array([max(1, int(delay * scale)) for delay in ALLPASSES])
    feedback = room_size * ROOM_SCALE + ROOM_OFFSET
    return _freeverb(
        samples, combs, allpasses, feedback, damping * DAMPING_SCALE, wet_level * WET_SCALE, dry_level * DRY_SCALE
    )


@njit(cache=True, nogil=True)
def _freeverb(samples, combs, allpasses, feedback, damping, wet, dry):  # type: ignore[no-untyped-def]
    num_samples = len(samples)
    reverberation = np.zeros(num_samples)
    for delay in combs:
        line = np.zeros(delay)
        last = 0.0
        at = 0
        for i in range(num_samples):
            out = line[at]
            # The added and subtracted constant flushes what would decay into denormals, which are slow.
            last = (out * (1.0 - damping) + last * damping) + 1e-18 - 1e-18
            line[at] = samples[i] * INPUT_GAIN + last * feedback
            reverberation[i] += out
            at += 1
            if at == delay:
                at = 0
    for delay in allpasses:
        line = np.zeros(delay)
        at = 0
        for i in range(num_samples):
            out = line[at]
            line[at] = reverberation[i] + out * ALLPASS_FEEDBACK
            reverberation[i] = out - reverberation[i]
            at += 1
            if at == delay:
                at = 0
    result = np.empty(num_samples, np.float32)
    for i in range(num_samples):
        result[i] = dry * samples[i] + wet * reverberation[i]
    return result

"""The level of a recording: measured on its loudest frames, and set where recognisers do not know it."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from megaasr_core.base.audio import Audio, Samples

FRAME_S = 0.1
"""Length of the frames whose power is compared."""
LOUD_FRAMES = 5
"""The level is that of the fifth loudest frame, so that clicks do not count."""
LEVELS = (0.003, 1.0)
"""RMS levels, as shares of full scale, between which a recording stays as it is; above 1 it has another full scale."""
LEVEL = 0.1
"""RMS level that other recordings are set to."""
BLOCK_FRAMES = 600
"""Frames that are measured at a time, so that an hour needs the memory of a minute."""
OFFSET_SAMPLES = 2**20
"""The most samples whose median is taken as the offset."""

Powers = npt.NDArray[np.float64]


def frame_powers(samples: Samples, frame: int) -> Powers:
    """Variance of each frame of that many samples, the last of which may be shorter; shape (num_frames,).

    >>> frame_powers(np.array([1, -1, 3, 3, 2], np.float32), 2)
    array([1., 0., 0.])
    """
    blocks = (samples[start : start + BLOCK_FRAMES * frame] for start in range(0, len(samples), BLOCK_FRAMES * frame))
    powers = [np.zeros(0)]
    for block in blocks:
        whole = len(block) - len(block) % frame
        powers.append(np.var(block[:whole].reshape(-1, frame), axis=1, dtype=np.float64))
        if whole < len(block):
            powers.append(np.var(block[whole:], dtype=np.float64, keepdims=True))
    return np.concatenate(powers)


def loud_power(powers: Powers) -> float:
    """Power of the fifth loudest frame, or of the quietest that sounds where fewer do; 0 for silence."""
    sounding = powers[powers > 0.0]
    place = min(LOUD_FRAMES, len(sounding))
    return float(np.partition(sounding, -place)[-place]) if place else 0.0


def level_of(audio: Audio) -> float:
    """RMS level of the recording's loud frames, as a share of full scale; 0 for silence."""
    return math.sqrt(loud_power(frame_powers(audio.samples, frame_length(audio))))


def frame_length(audio: Audio) -> int:
    """Number of samples in a frame of `FRAME_S`."""
    return max(1, int(FRAME_S * audio.sample_rate))


def at_known_level(audio: Audio, level: float) -> tuple[Audio, bool]:
    """The recording at a level that recognisers know, and whether it was changed for that.

    Args:
        level: as `level_of` gives it.
    """
    if not level or LEVELS[0] <= level <= LEVELS[1]:
        return audio, False
    offset = np.median(audio.samples[:: 1 + len(audio.samples) // OFFSET_SAMPLES])
    scaled = (audio.samples.astype(np.float64) - offset) * (LEVEL / level)
    return Audio(np.clip(scaled, -1.0, 1.0).astype(np.float32), audio.sample_rate, audio.name), True

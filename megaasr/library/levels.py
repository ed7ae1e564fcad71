"""The level of a recording: measured on its loudest frames, and set where recognisers do not know it."""

from __future__ import annotations

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
OFFSET_SAMPLES = 2**20
"""The most samples whose median is taken as the offset."""

Powers = npt.NDArray[np.float64]


def frame_powers(samples: Samples, frame: int) -> Powers:
    """Variance of each frame of that many samples, the last of which may be shorter; shape (num_frames,).

    >>> frame_powers(np.array([1, -1, 3, 3, 2], np.float32), 2)
    array([1., 0., 0.])
    """
    starts = np.arange(0, len(samples), frame)
    if not len(starts):
        return np.zeros(0)
    lengths = np.diff([*starts, len(samples)])
    means = np.add.reduceat(samples, starts, dtype=np.float64) / lengths
    centred = samples - np.repeat(means, lengths)
    return np.asarray(np.add.reduceat(np.square(centred), starts) / lengths)


def loud_power(powers: Powers) -> float:
    """Power of the fifth loudest frame, or of the quietest that sounds where fewer do; 0 for silence."""
    sounding = powers[powers > 0.0]
    place = min(LOUD_FRAMES, len(sounding))
    return float(np.partition(sounding, -place)[-place]) if place else 0.0


def at_known_level(audio: Audio) -> tuple[Audio, bool]:
    """The recording at a level that recognisers know, and whether it was changed for that."""
    level = loud_power(frame_powers(audio.samples, max(1, int(FRAME_S * audio.sample_rate)))) ** 0.5
    if not level or LEVELS[0] <= level <= LEVELS[1]:
        return audio, False
    offset = np.median(audio.samples[:: 1 + len(audio.samples) // OFFSET_SAMPLES])
    scaled = (audio.samples.astype(np.float64) - offset) * (LEVEL / level)
    return Audio(np.clip(scaled, -1.0, 1.0).astype(np.float32), audio.sample_rate, audio.name), True

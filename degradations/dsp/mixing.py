"""Levels and lengths of two signals that are mixed."""

from __future__ import annotations

import math

import numpy as np

from megaasr_core.base.audio import Samples


def rms(samples: Samples) -> float:
    """Root mean square of samples, shape (num_samples,); 0 for none.

    Summed pairwise in double precision on one thread, so that the last bit does not depend on the machine's cores.
    """
    if len(samples) == 0:
        return 0.0
    return math.sqrt(float(np.square(samples, dtype=np.float64).mean()))


def tile_from(noise: Samples, offset_samples: int, num_samples: int) -> Samples:
    """`num_samples` of `noise` from `offset_samples` on, in a new array; at its end the noise begins again.

    Noise of no samples gives silence.
    """
    if len(noise) == 0:
        return np.zeros(num_samples, np.float32)
    start = offset_samples % len(noise)
    pieces = [noise[start : start + num_samples]]
    missing = num_samples - len(pieces[0])
    pieces += [noise] * (missing // len(noise)) + [noise[: missing % len(noise)]]
    return np.concatenate(pieces)


def noise_gain(speech: Samples, noise: Samples, snr_db: float) -> float:
    """The factor that brings `noise` to `snr_db` below `speech`, by RMS over the whole clip.

    0 where speech or noise is silent: no factor gives such a pair an SNR, and the caller may want to tell (see `rms`).
    """
    noise_rms = rms(noise)
    if noise_rms == 0.0:
        return 0.0
    return rms(speech) / noise_rms * 10.0 ** (-snr_db / 20.0)

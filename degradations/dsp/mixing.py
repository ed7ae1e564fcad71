"""Levels and lengths of two signals that are mixed."""

from __future__ import annotations

import math

import numpy as np

from megaasr_core.base.audio import Samples


def rms(samples: Samples) -> float:
    """Root mean square of samples, shape (num_samples,); 0 for none."""
    if len(samples) == 0:
        return 0.0
    return math.sqrt(float(np.dot(samples, samples.astype(np.float64))) / len(samples))


def tile_from(noise: Samples, offset_samples: int, num_samples: int) -> Samples:
    """`num_samples` of `noise` from `offset_samples` on; at its end it begins again."""
    end = offset_samples + num_samples
    if end <= len(noise):
        return noise[offset_samples:end]
    return np.resize(np.roll(noise, -offset_samples), num_samples)


def noise_gain(speech: Samples, noise: Samples, snr_db: float) -> float:
    """The factor that brings `noise` to `snr_db` below `speech`, by RMS over the whole clip."""
    return rms(speech) / rms(noise) * 10.0 ** (-snr_db / 20.0)

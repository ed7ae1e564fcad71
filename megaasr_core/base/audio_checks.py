"""Checks of a recording before recognition: silence and clipping."""

from __future__ import annotations

import numpy as np

from .audio import Audio, Samples

SILENCE_DBFS = -80.0
"""RMS level below which a recording is silent; the least significant bit of 16-bit audio is at -90 dBFS."""
CLIPPED_SHARE = 1e-3
"""Share of samples at full scale above which a recording is flagged as clipped."""


def level_dbfs(samples: Samples) -> float:
    """RMS level of samples, shape (num_samples,), in dB relative to full scale; -inf for silence or no samples."""
    if len(samples) == 0:
        return -np.inf
    power = float(np.dot(samples, samples)) / len(samples)
    return 10.0 * float(np.log10(power)) if power > 0.0 else -np.inf


def check_audio(audio: Audio) -> tuple[str, ...]:
    """Flags of a recording, sorted: ``clipped``, ``silent``."""
    flags = []
    if len(audio.samples) and float(np.mean(np.abs(audio.samples) >= 0.999)) > CLIPPED_SHARE:
        flags.append("clipped")
    if level_dbfs(audio.samples) < SILENCE_DBFS:
        flags.append("silent")
    return tuple(flags)

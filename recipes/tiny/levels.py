"""Levels of speech and noise: measurement, rescaling and trimming of silence."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from megaasr import SAMPLE_RATE_HZ, Samples

FRAME_S = 0.02
ACTIVE_RANGE_DB = 30.0
"""Frames at most this far below the loud frames count as speech; ITU-T P.56 gives a similar range on clean speech."""
LOUD_PERCENTILE = 95.0
MAX_PEAK = 0.98
SILENCE_DB = -120.0


def frame_levels_db(samples: Samples) -> npt.NDArray[np.float64]:
    """The RMS of each frame of 20 ms in dBFS, shape (num_frames,); a clip shorter than a frame is one frame."""
    length = min(len(samples), round(FRAME_S * SAMPLE_RATE_HZ))
    if length == 0:
        return np.array([SILENCE_DB])
    frames = samples[: len(samples) // length * length].reshape(-1, length).astype(np.float64)
    power = np.mean(frames**2, axis=1)
    return np.maximum(10.0 * np.log10(np.maximum(power, 1e-30)), SILENCE_DB)


def _is_active(levels: npt.NDArray[np.float64]) -> npt.NDArray[np.bool_]:
    return levels > np.percentile(levels, LOUD_PERCENTILE) - ACTIVE_RANGE_DB


def active_level_db(samples: Samples) -> float:
    """The RMS in dBFS over the frames with speech; -120 for silence."""
    levels = frame_levels_db(samples)
    return float(10.0 * np.log10(np.mean(10.0 ** (levels[_is_active(levels)] / 10.0))))


def level_db(samples: Samples) -> float:
    """The RMS in dBFS over all samples; -120 for silence."""
    power = float(np.mean(samples.astype(np.float64) ** 2)) if len(samples) else 0.0
    return max(10.0 * float(np.log10(max(power, 1e-30))), SILENCE_DB)


def scaled(samples: Samples, gain_db: float) -> Samples:
    """The samples scaled by a gain in dB, limited so that the peak is at most 0.98."""
    gain = 10.0 ** (gain_db / 20.0)
    peak = float(np.max(np.abs(samples), initial=0.0))
    return (samples * min(gain, MAX_PEAK / max(peak, 1e-9))).astype(np.float32)


def at_active_level(samples: Samples, target_db: float) -> Samples:
    """Speech scaled to an active level in dBFS, with a peak of at most 0.98."""
    return scaled(samples, target_db - active_level_db(samples))


def at_level(samples: Samples, target_db: float) -> Samples:
    """Noise scaled to an RMS level in dBFS, with a peak of at most 0.98."""
    return scaled(samples, target_db - level_db(samples))


def trimmed(samples: Samples, margin_s: float = 0.2) -> Samples:
    """Speech with at most `margin_s` seconds of silence before and after it."""
    active = np.flatnonzero(_is_active(frame_levels_db(samples)))
    if len(active) == 0:
        return samples
    frame, margin = round(FRAME_S * SAMPLE_RATE_HZ), round(margin_s * SAMPLE_RATE_HZ)
    first, last = int(active[0]) * frame, (int(active[-1]) + 1) * frame
    return np.ascontiguousarray(samples[max(0, first - margin) : last + margin])

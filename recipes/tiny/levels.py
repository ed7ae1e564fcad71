"""Levels of speech and noise: active level, rescaling, trimming of silence."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from megaasr import SAMPLE_RATE_HZ, Samples

FRAME_S = 0.02
ACTIVE_RANGE_DB = 30.0
"""Frames at most this far below the loud ones count as speech (ITU-T P.56 ends up near this for clean speech)."""
LOUD_PERCENTILE = 95.0
MAX_PEAK = 0.98
SILENCE_DB = -120.0


def frame_levels_db(samples: Samples) -> npt.NDArray[np.float64]:
    """RMS of every 20 ms in dBFS, shape (num_frames,); a clip shorter than a frame is one frame."""
    length = min(len(samples), round(FRAME_S * SAMPLE_RATE_HZ))
    if length == 0:
        return np.array([SILENCE_DB])
    frames = samples[: len(samples) // length * length].reshape(-1, length).astype(np.float64)
    power = np.mean(frames**2, axis=1)
    return np.maximum(10.0 * np.log10(np.maximum(power, 1e-30)), SILENCE_DB)


def _is_active(levels: npt.NDArray[np.float64]) -> npt.NDArray[np.bool_]:
    return levels > np.percentile(levels, LOUD_PERCENTILE) - ACTIVE_RANGE_DB


def active_level_db(samples: Samples) -> float:
    """RMS in dBFS over the frames in which somebody speaks; -120 for silence."""
    levels = frame_levels_db(samples)
    return float(10.0 * np.log10(np.mean(10.0 ** (levels[_is_active(levels)] / 10.0))))


def level_db(samples: Samples) -> float:
    """RMS in dBFS over everything; -120 for silence."""
    power = float(np.mean(samples.astype(np.float64) ** 2)) if len(samples) else 0.0
    return max(10.0 * float(np.log10(max(power, 1e-30))), SILENCE_DB)


def scaled(samples: Samples, gain_db: float) -> Samples:
    """The samples louder by a gain, or by less where the peak would pass 0.98."""
    gain = 10.0 ** (gain_db / 20.0)
    peak = float(np.max(np.abs(samples), initial=0.0))
    return (samples * min(gain, MAX_PEAK / max(peak, 1e-9))).astype(np.float32)


def at_active_level(samples: Samples, target_db: float) -> Samples:
    """Speech at an active level in dBFS, its peak at most 0.98."""
    return scaled(samples, target_db - active_level_db(samples))


def at_level(samples: Samples, target_db: float) -> Samples:
    """Noise at an RMS level in dBFS, its peak at most 0.98."""
    return scaled(samples, target_db - level_db(samples))


def trimmed(samples: Samples, margin_s: float = 0.2) -> Samples:
    """Speech with at most `margin_s` of silence left before and after it."""
    active = np.flatnonzero(_is_active(frame_levels_db(samples)))
    if len(active) == 0:
        return samples
    frame, margin = round(FRAME_S * SAMPLE_RATE_HZ), round(margin_s * SAMPLE_RATE_HZ)
    first, last = int(active[0]) * frame, (int(active[-1]) + 1) * frame
    return np.ascontiguousarray(samples[max(0, first - margin) : last + margin])

"""Noise made of recordings: babble of several speakers, and mixtures of two recorded noises."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from megaasr import SAMPLE_RATE_HZ, Samples

from . import clips, levels
from .clips import Row

FADE_S = 0.05


def filled(parts: Sequence[Samples], length: int) -> Samples:
    """Parts one after the other, again from the first while too short, faded into each other; shape (length,)."""
    fade = round(FADE_S * SAMPLE_RATE_HZ)
    ramp = np.linspace(0.0, 1.0, fade, dtype=np.float32)
    usable = [part for part in parts if len(part) > 2 * fade]
    out = np.zeros(0, dtype=np.float32)
    at = 0
    while len(out) < length:
        part = usable[at % len(usable)].copy()
        if len(out):
            # Power, not amplitude, is kept over the seam: what meets there is unrelated.
            part[:fade] = part[:fade] * np.sqrt(ramp) + out[-fade:] * np.sqrt(1.0 - ramp)
            out = np.concatenate([out[:-fade], part])
        else:
            out = part
        at += 1
    return out[:length]


def babble(
    speakers: dict[str, list[Path]], count: int, duration_s: float, rng: np.random.Generator
) -> tuple[Samples, list[str]]:
    """`count` speakers at once, each within 4 dB of the others, and who they are.

    Args:
        speakers: the recordings of each.
    """
    names = sorted(speakers)
    chosen = [names[index] for index in rng.choice(len(names), count, replace=False)]
    length = round(duration_s * SAMPLE_RATE_HZ)
    total = np.zeros(length, dtype=np.float32)
    for name in chosen:
        paths = speakers[name]
        # More than ten seconds of one speaker are never needed; clips are at least one.
        order = rng.permutation(len(paths))[: int(duration_s) + 1]
        read = [levels.trimmed(clips.read_clip(paths[index]), 0.1) for index in order]
        # Nobody begins to speak when the clip begins.
        late = int(rng.integers(2 * SAMPLE_RATE_HZ))
        voice = filled([levels.at_active_level(part, -30.0) for part in read], late + length)[late:]
        total += voice * np.float32(10.0 ** (rng.uniform(-4.0, 4.0) / 20.0))
    return total, chosen


def mixture(first: Path, second: Path, duration_s: float, rng: np.random.Generator) -> Samples:
    """Two recorded noises at random speeds, spectral tilts and levels up to 12 dB apart."""
    voices = [varied(clips.read_clip(path), duration_s, rng) for path in (first, second)]
    return voices[0] + voices[1] * np.float32(10.0 ** (-rng.uniform(0.0, 12.0) / 20.0))


def varied(samples: Samples, duration_s: float, rng: np.random.Generator) -> Samples:
    """A recorded noise played at 0.8 to 1.25 of its speed, its spectrum tilted, filled up to a length; RMS -30 dBFS."""
    import soxr

    speed = float(2.0 ** rng.uniform(-0.32, 0.32))
    played = soxr.resample(samples, speed * SAMPLE_RATE_HZ, SAMPLE_RATE_HZ, quality="HQ").astype(np.float32)
    length = round(duration_s * SAMPLE_RATE_HZ)
    late = int(rng.integers(len(played)))
    long = filled([played], late + length)[late:]
    hz = np.fft.rfftfreq(length, 1.0 / SAMPLE_RATE_HZ)
    tilt_db = rng.uniform(-3.0, 3.0) * np.log2(np.clip(hz, 62.5, 8000.0) / 1000.0)
    tilted = np.fft.irfft(np.fft.rfft(long) * 10.0 ** (tilt_db / 20.0), length)
    return levels.at_level(tilted.astype(np.float32), -30.0)


def is_mixable(row: Row) -> bool:
    """Whether a recorded noise goes into mixtures: a single talker does not, since two noises at once hide nobody."""
    return bool(row.get("category") != "interfering_talker" and row["duration_s"] >= 1.0)

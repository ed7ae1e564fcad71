"""Noise made from recordings: babble of several speakers, and mixtures of two recorded noises."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from megaasr import SAMPLE_RATE_HZ, Samples

from . import dataset_files, levels
from .dataset_files import Row

FADE_S = 0.05


def filled(parts: Sequence[Samples], length: int) -> Samples:
    """The parts concatenated with cross-fades and repeated up to a length; shape (length,)."""
    fade = round(FADE_S * SAMPLE_RATE_HZ)
    ramp = np.linspace(0.0, 1.0, fade, dtype=np.float32)
    usable = [part for part in parts if len(part) > 2 * fade]
    out = np.zeros(0, dtype=np.float32)
    at = 0
    while len(out) < length:
        part = usable[at % len(usable)].copy()
        if len(out):
            # The cross-fade keeps power, not amplitude: the signals on both sides are uncorrelated.
            part[:fade] = part[:fade] * np.sqrt(ramp) + out[-fade:] * np.sqrt(1.0 - ramp)
            out = np.concatenate([out[:-fade], part])
        else:
            out = part
        at += 1
    return out[:length]


def babble(
    speakers: dict[str, list[Path]], count: int, duration_s: float, rng: np.random.Generator
) -> tuple[Samples, list[str]]:
    """Babble of `count` speakers, each at a random gain of -4 to 4 dB, and the names of the speakers.

    Args:
        speakers: recordings of each speaker.
    """
    names = sorted(speakers)
    chosen = [names[index] for index in rng.choice(len(names), count, replace=False)]
    length = round(duration_s * SAMPLE_RATE_HZ)
    total = np.zeros(length, dtype=np.float32)
    for name in chosen:
        paths = speakers[name]
        # Each recording lasts at least one second, so this many recordings fill the duration.
        order = rng.permutation(len(paths))[: int(duration_s) + 1]
        read = [levels.trimmed(dataset_files.read_clip(paths[index]), 0.1) for index in order]
        # A random offset, so that the speakers do not all begin at the start of the clip.
        offset = int(rng.integers(2 * SAMPLE_RATE_HZ))
        voice = filled([levels.at_active_level(part, -30.0) for part in read], offset + length)[offset:]
        total += voice * np.float32(10.0 ** (rng.uniform(-4.0, 4.0) / 20.0))
    return total, chosen


def mixture(first: Path, second: Path, duration_s: float, rng: np.random.Generator) -> Samples:
    """The sum of two recorded noises with random speeds and spectral tilts, the second 0 to 12 dB lower."""
    noises = [varied(dataset_files.read_clip(path), duration_s, rng) for path in (first, second)]
    return noises[0] + noises[1] * np.float32(10.0 ** (-rng.uniform(0.0, 12.0) / 20.0))


def varied(samples: Samples, duration_s: float, rng: np.random.Generator) -> Samples:
    """A recorded noise at 0.8 to 1.25 of its speed with a tilted spectrum, repeated up to a length; RMS -30 dBFS."""
    import soxr

    speed = float(2.0 ** rng.uniform(-0.32, 0.32))
    played = soxr.resample(samples, speed * SAMPLE_RATE_HZ, SAMPLE_RATE_HZ, quality="HQ").astype(np.float32)
    length = round(duration_s * SAMPLE_RATE_HZ)
    offset = int(rng.integers(len(played)))
    long = filled([played], offset + length)[offset:]
    hz = np.fft.rfftfreq(length, 1.0 / SAMPLE_RATE_HZ)
    tilt_db = rng.uniform(-3.0, 3.0) * np.log2(np.clip(hz, 62.5, 8000.0) / 1000.0)
    tilted = np.fft.irfft(np.fft.rfft(long) * 10.0 ** (tilt_db / 20.0), length)
    return levels.at_level(tilted.astype(np.float32), -30.0)


def is_mixable(row: Row) -> bool:
    """Whether a recorded noise may be mixed: at least 1 s long, and not a single interfering talker."""
    return bool(row.get("category") != "interfering_talker" and row["duration_s"] >= 1.0)

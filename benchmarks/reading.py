"""CPU milliseconds that reading takes: megaasr and `soundfile.read` alone, in turn in one process."""

from __future__ import annotations

import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import soundfile

from megaasr import read_audio

RATE_HZ = 16_000
SECONDS = (10, 60)
FORMATS = ("wav", "flac")
ROUNDS = 201


def reading_rows() -> list[dict[str, object]]:
    """The time for speech-like noise of each length and format with 16 bits, and the ratio: medians over the rounds."""
    with tempfile.TemporaryDirectory(prefix="reading-") as folder:
        return [_row(Path(folder), kind, seconds) for kind in FORMATS for seconds in SECONDS]


def write_noise(path: Path, seconds: int) -> None:
    """Write noise with the level and the spectrum of speech, roughly, so that FLAC codes it as it does speech."""
    white = np.random.default_rng(0).normal(size=seconds * RATE_HZ)
    coloured = np.convolve(white, np.exp(-np.arange(32) / 8), mode="same") * (0.02 + 0.02 * np.sin(white.cumsum() / 50))
    soundfile.write(path, coloured, RATE_HZ, subtype="PCM_16")


def _row(folder: Path, kind: str, seconds: int) -> dict[str, object]:
    path = folder / f"{seconds}.{kind}"
    write_noise(path, seconds)
    pairs = alternated(lambda: read_audio(path), lambda: soundfile.read(path, dtype="float32"))
    ours_s, theirs_s = (statistics.median(column) for column in zip(*pairs, strict=True))
    ratios = sorted(a / b for a, b in pairs)
    low, high = ratios[len(ratios) // 10], ratios[-len(ratios) // 10]
    return {
        "file": f"{kind}, {seconds} s",
        "megaasr, CPU ms": round(ours_s * 1000, 3),
        "soundfile, CPU ms": round(theirs_s * 1000, 3),
        "ratio, median [10 %, 90 %]": f"{statistics.median(ratios):.3f} [{low:.3f}, {high:.3f}]",
    }


def alternated(
    ours: Callable[[], object], theirs: Callable[[], object], rounds: int = ROUNDS
) -> list[tuple[float, float]]:
    """Seconds of the CPU that each takes in each round; which is first alternates, as the second finds caches warm."""
    pairs = []
    ours(), theirs()
    for number in range(rounds):
        first, second = (ours, theirs) if number % 2 else (theirs, ours)
        one, other = _seconds(first), _seconds(second)
        pairs.append((one, other) if number % 2 else (other, one))
    return pairs


def _seconds(work: Callable[[], object]) -> float:
    started = time.thread_time()
    work()
    return time.thread_time() - started

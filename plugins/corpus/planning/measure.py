"""What planning must know of every recording: the length of the speech, the length and digest of the other sounds."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from megaasr import (
    AudioLimits,
    Engine,
    MegaasrError,
    PluginError,
    RecipeError,
    SoundBank,
    described,
    measure_audio,
    one_line,
    progress,
    resampled_length,
)

from .speech import SpeechIndex, row_at, sample_fields

AT_ONCE = 256
"""Recordings that one task measures."""


@dataclass(frozen=True)
class Chunk:
    """Some recordings.

    Args:
        bank: name of the bank that the sounds are of; empty for speech.
        paths: of sounds in the bank.
        offsets: of rows in the speech manifest.
    """

    bank: str = ""
    paths: tuple[str, ...] = ()
    offsets: tuple[int, ...] = ()


@dataclass(frozen=True)
class Measure:
    """The task: samples of each recording at `sample_rate`, or why it cannot be read."""

    rows: Path
    root: Path
    banks: Mapping[str, SoundBank]
    sample_rate: int
    limits: AudioLimits

    def __call__(self, chunk: Chunk) -> list[tuple[str, int, str]]:
        """Name (the sound's digest), length and error of each recording of the chunk, in order."""
        if chunk.bank:
            return [self._sound(self.banks[chunk.bank], path) for path in chunk.paths]
        with self.rows.open("rb") as file:
            return [self._speech(row_at(file, offset)) for offset in chunk.offsets]

    def _speech(self, row: dict[str, Any]) -> tuple[str, int, str]:
        _, source, _ = sample_fields(row, self.root, self.rows)
        limits = source.limits(self.limits)
        try:
            num_samples, rate = measure_audio(source.audio, limits)
            start, stop = source.span(num_samples, rate, limits)
        except MegaasrError as error:
            return source.name, 0, one_line(error)
        except Exception as error:  # of a decoder or a system call
            return source.name, 0, f"{source.audio}: cannot be read ({described(error)})"
        return source.name, resampled_length(stop - start, rate, self.sample_rate), ""

    def _sound(self, bank: SoundBank, path: str) -> tuple[str, int, str]:
        try:
            sound = bank.ref(path)
            return sound.digest, bank.num_samples(sound, self.sample_rate), ""
        except MegaasrError as error:
            return "", 0, str(error)


def measure(
    speech: SpeechIndex, banks: Mapping[str, SoundBank], sample_rate: int, limits: AudioLimits, engine: Engine
) -> tuple[npt.NDArray[np.int64], list[tuple[str, str]]]:
    """Measure everything with all workers; the banks then know their sounds.

    Returns:
        Offset and length in samples of each recording that can be read, shape (num_readable, 2), int64; and audio and
        error of the others.

    Raises:
        RecipeError: a sound of a bank cannot be read.
    """
    lengths = np.zeros(len(speech.offsets), np.int64)
    place = {int(offset): index for index, offset in enumerate(speech.offsets[::AT_ONCE])}
    unreadable: dict[int, tuple[str, str]] = {}
    task = Measure(speech.rows, speech.root, dict(banks), sample_rate, limits)
    total = -(-len(speech.offsets) // AT_ONCE) + sum(-(-len(bank) // AT_ONCE) for bank in banks.values())
    for outcome in progress(engine.run(task, _chunks(speech, banks)), total=total, what="measuring"):
        if outcome.value is None:
            raise PluginError(f"measuring the recordings failed: {outcome.error}")
        chunk = outcome.item
        for path, (digest, num_samples, error) in zip(chunk.paths, outcome.value if chunk.bank else (), strict=True):
            if error:
                raise RecipeError(f"{error}; mend it or take it out of the bank")
            banks[chunk.bank].learn(path, digest, sample_rate, num_samples)
        if not chunk.bank:
            first = AT_ONCE * place[chunk.offsets[0]]
            for index, (audio, num_samples, error) in enumerate(outcome.value, start=first):
                lengths[index] = num_samples
                if error:
                    unreadable[index] = (audio, error)
    readable = [index for index in range(len(lengths)) if index not in unreadable]
    return np.stack([speech.offsets[readable], lengths[readable]], axis=1), [unreadable[i] for i in sorted(unreadable)]


def _chunks(speech: SpeechIndex, banks: Mapping[str, SoundBank]) -> Iterator[Chunk]:
    for name, bank in banks.items():
        paths = [path for category in sorted(bank.categories) for path in bank.categories[category]]
        for start in range(0, len(paths), AT_ONCE):
            yield Chunk(bank=name, paths=tuple(paths[start : start + AT_ONCE]))
    for start in range(0, len(speech.offsets), AT_ONCE):
        yield Chunk(offsets=tuple(int(offset) for offset in speech.offsets[start : start + AT_ONCE]))

"""What a source of speech is: voices that say sentences, or recordings that bring their own."""

from __future__ import annotations

import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np

from megaasr import Audio, AudioLimits, MegaasrError, one_line, read_audio


class SourceError(MegaasrError):
    """A source that cannot be used on this machine, or did not speak."""


@dataclass(frozen=True)
class Voice:
    """One speaker of a source.

    Args:
        name: part of file names and of the speaker's name.
        split: all that it says is of this split.
        clips: how many sentences it is given.
        licence: of what it says.
    """

    name: str
    split: str
    clips: int
    licence: str


@dataclass(frozen=True)
class Utterance:
    """What is said: by whom, and under which file name (None: named after the words)."""

    voice: Voice
    text: str
    name: str | None = None


class Source(Protocol):
    """Where speech comes from.

    Attributes:
        name: of the folder.
        title: ``source`` in the manifest.
        revision: raised when equal utterances now sound different.
        voices: all of them; those of a source with texts of its own have 0 clips.
    """

    name: str
    title: str
    revision: int
    voices: Sequence[Voice]

    def prepare(self, cache: Path) -> None:
        """Load what is needed; `SourceError` when something is missing, with how to get it."""

    def own_utterances(self) -> list[Utterance]:
        """What the source says unasked; nothing for a synthesiser."""
        return []

    def speak(self, utterance: Utterance, rng: np.random.Generator) -> Audio:
        """Say it; the generator chooses speed and pitch."""


def speaker_of(source: Source, voice: Voice) -> str:
    """The name of a speaker in the manifest."""
    return f"{source.name}-{voice.name}"


def run_program(command: Sequence[str], stdin: str | None = None) -> None:
    """Run a program; SourceError in one line when it is missing or fails."""
    try:
        subprocess.run(command, input=stdin, check=True, capture_output=True, text=True, timeout=120)
    except FileNotFoundError as error:
        raise SourceError(f"{command[0]}: no such program; install what recipes/tiny/packages.txt lists") from error
    except subprocess.CalledProcessError as error:
        raise SourceError(f"{command[0]}: failed ({one_line(error.stderr)[-200:]})") from error
    except subprocess.TimeoutExpired as error:
        raise SourceError(f"{command[0]}: no end after {error.timeout:g} s") from error


def read_spoken(path: Path) -> Audio:
    """What a program wrote."""
    return read_audio(path, AudioLimits(convert=True))


def repitched(audio: Audio, factor: float) -> Audio:
    """The same sound `factor` times as high and as fast, as if the tape ran faster."""
    return Audio(audio.samples, round(audio.sample_rate * factor), audio.name)

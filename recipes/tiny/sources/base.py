"""The interface of a speech source: a synthesiser that speaks given sentences, or recordings with their own texts."""

from __future__ import annotations

import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np

from megaasr import Audio, AudioLimits, MegaasrError, one_line, read_audio


class SourceError(MegaasrError):
    """A source cannot be used on this machine or gave no speech."""


@dataclass(frozen=True)
class Voice:
    """One speaker of a source.

    Args:
        name: part of file names and of the speaker's name.
        split: split of all its clips.
        clips: number of sentences that it gets.
        licence: licence of its clips.
    """

    name: str
    split: str
    clips: int
    licence: str


@dataclass(frozen=True)
class Utterance:
    """One sentence to speak.

    Args:
        voice: the voice that speaks it.
        text: the words.
        name: name of the recording; None for synthetic speech, whose file name is a digest.
    """

    voice: Voice
    text: str
    name: str | None = None


class Source(Protocol):
    """A source of speech.

    Attributes:
        name: name of its folder.
        title: ``source`` in the manifest.
        revision: raise it when the audio of the same utterance changes.
        voices: all voices; those of a source with its own texts have 0 clips.
    """

    name: str
    title: str
    revision: int
    voices: Sequence[Voice]

    def prepare(self, cache: Path) -> None:
        """Load what the source needs; raise `SourceError` that names what is missing and how to install it."""

    def own_utterances(self) -> list[Utterance]:
        """The utterances that the source brings; empty for a synthesiser."""
        return []

    def speak(self, utterance: Utterance, rng: np.random.Generator) -> Audio:
        """The audio of an utterance; the generator draws speed and pitch."""


def speaker_of(source: Source, voice: Voice) -> str:
    """The name of a voice's speaker in the manifest."""
    return f"{source.name}-{voice.name}"


def run_program(command: Sequence[str], stdin: str | None = None) -> None:
    """Run a program; raise a SourceError of one line when it is missing, fails or takes more than 120 s."""
    try:
        subprocess.run(command, input=stdin, check=True, capture_output=True, text=True, timeout=120)
    except FileNotFoundError as error:
        raise SourceError(f"{command[0]}: no such program; install what recipes/tiny/packages.txt lists") from error
    except subprocess.CalledProcessError as error:
        raise SourceError(f"{command[0]}: failed ({one_line(error.stderr)[-200:]})") from error
    except subprocess.TimeoutExpired as error:
        raise SourceError(f"{command[0]}: did not end within {error.timeout:g} s") from error


def read_spoken(path: Path) -> Audio:
    """Read the audio that a synthesiser wrote."""
    return read_audio(path, AudioLimits(convert=True))


def repitched(audio: Audio, factor: float) -> Audio:
    """The audio with pitch and speed multiplied by a factor, by a change of its sample rate."""
    return Audio(audio.samples, round(audio.sample_rate * factor), audio.name)

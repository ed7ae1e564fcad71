"""Manifests and the recordings that their rows name, in any format that a registered reader takes."""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path
from typing import TypeVar

from megaasr_core.base.audio import Audio
from megaasr_core.base.audio_files import AudioLimits, read_audio
from megaasr_core.base.jsonl import located_lines
from megaasr_core.contracts.calls import calling
from megaasr_core.contracts.reader import LocatedRow, Reader
from megaasr_core.discovery.loading import installed_plugins
from megaasr_core.discovery.plugins import Plugins

T = TypeVar("T")


def located_rows(manifest: Path, plugins: Plugins | None = None) -> Iterator[LocatedRow]:
    """The rows of a manifest, each with where it stands, for messages: ``manifest.jsonl, line 3``.

    Args:
        manifest: JSON lines, or whatever a registered reader takes, such as the folder of a plan.
        plugins: whose readers are asked; the installed ones if not given.

    Raises:
        ManifestError: a file cannot be read, or a line is no JSON object; the message names the line.
    """
    for reader in _readers(plugins):
        if reader.takes_manifest(manifest):
            with calling("reader", reader.name, str(manifest)):
                yield from reader.rows(manifest)
            return
    yield from located_lines(manifest)


def read_sample(audio: Path, limits: AudioLimits | None = None, plugins: Plugins | None = None) -> Audio:
    """The recording that a row's ``audio`` names, at its own rate.

    Args:
        audio: a file, or whatever a registered reader takes (``shard.tar#member``, ``plan.json#number``); below the
            folder of the manifest.
        limits: what is accepted of a file; a reader may have its own.

    Raises:
        AudioError: it is not there, or cannot be read; in one line.
        MegaasrError: it cannot be rendered.
    """
    reader = _reader_of(audio, plugins)
    if reader is None:
        return read_audio(audio, limits)
    with calling("reader", reader.name, str(audio)):
        return reader.read(audio, limits)


def read_clean(audio: Path, limits: AudioLimits | None = None, plugins: Plugins | None = None) -> Audio:
    """The recording that a degraded sample is made of, at its own rate; for other audio, that itself.

    Raises:
        AudioError: as `read_sample`.
    """
    reader = _reader_of(audio, plugins)
    if reader is None:
        return read_audio(audio, limits)
    with calling("reader", reader.name, str(audio)):
        return reader.read_clean(audio, limits)


def is_there(audio: Path, plugins: Plugins | None = None) -> bool:
    """Whether the file that holds what a row's ``audio`` names is there; the sound itself is not looked at."""
    reader = _reader_of(audio, plugins)
    return audio.is_file() if reader is None else reader.exists(audio)


def files_of(audio: Path, plugins: Plugins | None = None) -> tuple[Path, ...]:
    """The files that what a row's ``audio`` names is made of; they need not be there."""
    reader = _reader_of(audio, plugins)
    return (audio,) if reader is None else reader.files(audio)


def _reader_of(audio: Path, plugins: Plugins | None) -> Reader | None:
    return next((reader for reader in _readers(plugins) if reader.takes_audio(audio)), None)


def _readers(plugins: Plugins | None) -> tuple[Reader, ...]:
    return _created(plugins or installed_plugins())


@lru_cache(maxsize=4)
def _created(plugins: Plugins) -> tuple[Reader, ...]:
    return tuple(plugins.readers[name].create() for name in plugins.readers)

"""Manifests and the recordings that their rows name, in any format that a registered reader takes."""

from __future__ import annotations

import os
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path
from typing import Any

from megaasr_core.base.audio import Audio
from megaasr_core.base.audio_files import AudioLimits, read_audio
from megaasr_core.base.errors import ManifestError
from megaasr_core.base.jsonl import parse_row
from megaasr_core.contracts.calls import calling
from megaasr_core.contracts.reader import LocatedRow, Reader
from megaasr_core.discovery.loading import installed_plugins
from megaasr_core.discovery.plugins import Plugins

from .manifest_lines import manifest_lines


class BrokenRow(dict[str, Any]):
    """A row that cannot be read, among others that can: an empty mapping with the reason."""

    def __init__(self, fault: ManifestError) -> None:
        super().__init__()
        self.fault = fault


class PluginReader(Reader):
    """A reader whose recordings are made by plugins: those of the call, never those that the data names."""

    def using(self, plugins: Plugins) -> Reader:
        """The reader as it reads with these plugins."""
        raise NotImplementedError(plugins)


def located_rows(manifest: Path, plugins: Plugins | None = None) -> Iterator[LocatedRow]:
    """The rows of a manifest, each with where it stands, for messages: ``manifest.jsonl, line 3``.

    Args:
        manifest: JSON lines, compressed by gzip or not, or whatever a registered reader takes, such as the folder of a
            plan.
        plugins: whose readers are asked; the installed ones if not given.

    Raises:
        ManifestError: a file cannot be read, or a line is no JSON object; the message names the line.
    """
    for where, row in tried_rows(manifest, plugins):
        if isinstance(row, BrokenRow):
            raise row.fault
        yield where, row


def tried_rows(manifest: Path, plugins: Plugins | None = None) -> Iterator[LocatedRow]:
    """As `located_rows`, but a row that cannot be read is a `BrokenRow`, and the others follow.

    Raises:
        ManifestError: the file itself cannot be read.
    """
    if reader := manifest_reader(manifest, plugins):
        with calling("reader", reader.name, str(manifest)):
            yield from reader.rows(manifest)
        return
    for where, line in manifest_lines(manifest):
        yield where, parsed_row(line, where)


def manifest_reader(manifest: Path, plugins: Plugins | None = None) -> Reader | None:
    """The reader that takes a manifest; None for JSON lines."""
    return next((reader for reader in _readers(plugins) if reader.takes_manifest(manifest)), None)


def parsed_row(line: bytes, where: str) -> dict[str, Any]:
    """One line as a JSON object, or as a `BrokenRow` when it is none."""
    try:
        return parse_row(line, where)
    except ManifestError as error:
        return BrokenRow(error)


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
    # Unlike Path.is_file, os.path.isfile does not raise for a name that is too long.
    return os.path.isfile(audio) if reader is None else reader.exists(audio)  # noqa: PTH113


def files_of(audio: Path, plugins: Plugins | None = None) -> tuple[Path, ...]:
    """The files that what a row's ``audio`` names is made of; they need not be there."""
    reader = _reader_of(audio, plugins)
    return (audio,) if reader is None else reader.files(audio)


def _reader_of(audio: Path, plugins: Plugins | None) -> Reader | None:
    for reader in _readers_of_audio(plugins or installed_plugins()):
        if reader.takes_audio(audio):
            return reader
    return None


def _readers(plugins: Plugins | None) -> tuple[Reader, ...]:
    return _created(plugins or installed_plugins())


@lru_cache(maxsize=4)
def _created(plugins: Plugins) -> tuple[Reader, ...]:
    readers = (plugins.readers[name].create() for name in plugins.readers)
    return tuple(reader.using(plugins) if isinstance(reader, PluginReader) else reader for reader in readers)


@lru_cache(maxsize=4)
def _readers_of_audio(plugins: Plugins) -> tuple[Reader, ...]:
    """Those that take recordings at all: each row of a manifest asks them."""
    return tuple(one for one in _created(plugins) if type(one).takes_audio is not Reader.takes_audio)

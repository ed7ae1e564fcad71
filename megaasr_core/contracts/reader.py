"""`Reader`: a format of manifests, or of recordings that the rows of manifests name."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, ClassVar

from ..base.audio import Audio
from ..base.audio_files import AudioLimits
from .unit import Unit

Row = dict[str, Any]
LocatedRow = tuple[str, Row]
"""Where a row stands, for messages (``manifest.jsonl, line 3``), and the row."""


class Reader(Unit):
    """Reads one format. By default it takes nothing: a reader overrides the half that it is for.

    Without any reader, a manifest is JSON lines and a recording is an audio file; see `megaasr.located_rows` and
    `megaasr.read_sample`, which ask the registered readers first, in the order of their names.
    """

    kind: ClassVar[str] = "reader"

    def takes_manifest(self, path: Path) -> bool:
        """Whether `path`, a file or a folder, is a manifest of this format. Must be fast, and must not raise."""
        del path
        return False

    def rows(self, path: Path) -> Iterator[LocatedRow]:
        """The rows of a manifest, each with where it stands; ``audio`` is relative to the manifest's folder.

        Raises:
            ManifestError: it cannot be read; the message names the line or row.
        """
        raise NotImplementedError(path)

    def takes_audio(self, audio: Path) -> bool:
        """Whether `audio`, a path as a row names it, is of this format. Must be fast, and must not raise."""
        del audio
        return False

    def exists(self, audio: Path) -> bool:
        """Whether the file that holds the recording is there; the sound itself is not looked at."""
        return audio.is_file()

    def files(self, audio: Path) -> tuple[Path, ...]:
        """The files that the recording is made of: a resumed run begins anew when one has changed. Must not raise."""
        return (audio.with_name(audio.name.rpartition("#")[0] or audio.name),)

    def read(self, audio: Path, limits: AudioLimits | None = None) -> Audio:
        """The recording, at its own rate.

        Raises:
            MegaasrError: it is not there, or cannot be read; in one line.
        """
        raise NotImplementedError(audio)

    def read_clean(self, audio: Path, limits: AudioLimits | None = None) -> Audio:
        """The recording before it was degraded, where the format knows it; by default the recording itself."""
        return self.read(audio, limits)

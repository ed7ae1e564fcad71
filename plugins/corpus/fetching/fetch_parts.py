"""Fetches the parts of a corpus from the network or a local folder, and unpacks them."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

from megaasr import ParameterError, one_line, read_json, write_text

from ..sources.base import Archive, Source
from .checksums import Fetched, verify
from .download import download
from .errors import FetchError
from .unpack import PARTIAL, folder_name, is_archive, unpack

ARCHIVES = "archives"
"""Subfolder of the output folder for downloads."""
NOTE = "archive.json"
"""File in each unpacked folder that records its archive and the archive's checksums."""


class Bringer:
    """Locates each part of a corpus; downloads and unpacks it if needed.

    Args:
        source: the corpus.
        out: the output folder.
        origin: a folder with archives or an unpacked copy, an archive, a mirror's address, or None for the publisher.
        tell: called with one line before each long step.

    Raises:
        ParameterError: `origin` does not exist.
    """

    def __init__(self, source: Source, out: Path, origin: str | None, tell: Callable[[str], None]) -> None:
        is_address = origin is not None and origin.startswith(("http://", "https://"))
        self.source, self.out, self.tell = source, out, tell
        self.mirror = origin.rstrip("/") if origin and is_address else None
        self.local = Path(origin) if origin and not is_address else None
        if self.local is not None and not self.local.exists():
            raise ParameterError(f"--from {self.local}: no such folder or archive")

    def usual(self) -> tuple[str, ...]:
        """The default parts: those present at a local origin, or `Source.usual`."""
        if self.local is None:
            return self.source.usual
        # For a corpus in a single archive the usual parts; for a corpus with several archives every part present.
        parts = self.source.parts if len(self.source.archives) > 1 else self.source.usual
        return tuple(part for part in parts if self._is_here(self.local, part)) or self.source.usual

    def _is_here(self, local: Path, part: str) -> bool:
        if local.is_file():
            return not self.source.archives or local.name in self._names(part) or len(self.source.archives) == 1
        return self._local_archive(part) is not None or self.source.locate(local, part) is not None

    def root(self, part: str) -> Path:
        """The folder of a part's unpacked copy; the archive is downloaded and unpacked first if needed.

        Raises:
            FetchError: the archive cannot be downloaded, or differs from the published one.
            ParameterError: the origin does not hold the part, or it must be downloaded by hand.
            OutputError: the folder cannot be written.
        """
        for note in self._notes():
            root = self.source.locate(note.parent, part)
            if root is not None:
                return root.resolve()
        archive = self._local_archive(part)
        if self.local is not None and archive is None:
            root = self.source.locate(self.local, part)
            if root is None:
                names = " nor ".join(self._names(part)[:1]) or "an archive"
                raise ParameterError(
                    f"--from {self.local}: holds neither {names} nor an unpacked copy of {self.source.name} with "
                    f"part {part}"
                )
        else:
            folder = self._unpacked(part, archive)
            root = self.source.locate(folder, part)
            if root is None:
                raise FetchError(f"{folder}: {self._lacks(part)}; remove the folder to fetch it again")
        return root.resolve()

    def _lacks(self, part: str) -> str:
        return f"the archive holds no part {part} of {self.source.name} at the expected path"

    def archives(self) -> list[dict[str, Any]]:
        """The record of each unpacked archive: name, from, bytes, md5, sha256, is_published."""
        return [read_json(note) for note in self._notes()]

    def remove_archives(self) -> None:
        """Remove the downloaded archives."""
        for archive in self.source.archives:
            (self.out / ARCHIVES / archive.name).unlink(missing_ok=True)
        remove_if_empty(self.out / ARCHIVES)

    def _notes(self) -> list[Path]:
        return sorted(note for note in self.out.glob(f"*/{NOTE}") if not note.parent.name.endswith(PARTIAL))

    def _archive(self, part: str) -> Archive | None:
        return next((archive for archive in self.source.archives if part in archive.parts), None)

    def _names(self, part: str) -> tuple[str, ...]:
        archive = self._archive(part)
        return (archive.name, *archive.also_named) if archive else ()

    def _local_archive(self, part: str) -> Path | None:
        """The archive of a part at a local origin."""
        if self.local is None:
            return None
        if self.local.is_file():
            return self.local
        if self.source.archives:
            return next((self.local / name for name in self._names(part) if (self.local / name).is_file()), None)
        if self.source.locate(self.local, part):
            return None  # an unpacked copy: other files in the folder are ignored
        archives = sorted(path for path in self.local.iterdir() if is_archive(path))
        if len(archives) > 1:
            names = ", ".join(path.name for path in archives[:3])
            raise ParameterError(f"--from {self.local}: holds {len(archives)} archives ({names}...); name one of them")
        return archives[0] if archives else None

    def _unpacked(self, part: str, local: Path | None) -> Path:
        """The unpacked archive of a part; a local or downloaded archive is verified and unpacked first if needed."""
        archive = self._archive(part)
        named = Path(archive.name) if archive else local
        if named is None:
            raise ParameterError(
                f"{self.source.name} can be downloaded only after accepting its terms: download it yourself from "
                f"{self.source.homepage}, and name the archive or the unpacked folder with --from"
            )
        folder = self.out / ((archive.folder if archive else "") or folder_name(named))
        if (folder / NOTE).is_file():
            return folder  # for another part of the same archive
        fetched, came_from = self._brought(archive, local)
        if not fetched.is_checked:
            self.tell(f"{fetched.path.name}: no checksum is published; its sha256 {fetched.sha256} is recorded")
        note = {
            "name": fetched.path.name,
            "from": came_from,
            "bytes": fetched.num_bytes,
            "md5": fetched.md5,
            "sha256": fetched.sha256,
            "is_published": fetched.is_checked,
        }

        def finish(top: Path) -> None:
            if os.path.lexists(top / NOTE):
                raise FetchError(f"{fetched.path}: refused, it holds a file {NOTE}")
            self.source.prepare(top)
            if self.source.locate(top, part) is None:
                raise FetchError(f"{fetched.path}: {self._lacks(part)}")
            write_text(top / NOTE, json.dumps(note, indent=1) + "\n")

        try:
            unpack(fetched.path, folder, finish)
        except FetchError as error:
            if local is not None:
                raise
            fetched.path.unlink(missing_ok=True)  # or the next run would meet the same error
            raise FetchError(f"{one_line(error)}; the downloaded file was removed") from error
        return folder

    def _brought(self, archive: Archive | None, local: Path | None) -> tuple[Fetched, str]:
        """The verified local archive, or the downloaded one, and where it came from."""
        if archive is None or local is not None:
            assert local is not None
            self.tell(f"checking and unpacking {local}")
            published = (archive.md5, archive.sha256) if archive else (None, None)
            return verify(local, local.name, *published), local.name
        address = f"{self.mirror}/{archive.name}" if self.mirror else archive.url
        return self._downloaded(archive, address), address

    def _downloaded(self, archive: Archive, url: str) -> Fetched:
        target = self.out / ARCHIVES / archive.name
        target.parent.mkdir(exist_ok=True)
        if target.is_file():  # downloaded by a run that was killed while unpacking
            try:
                return verify(target, target.name, archive.md5, archive.sha256)
            except FetchError as error:
                self.tell(f"{one_line(error)}; it is downloaded again")
                target.unlink()
        terms = f"{self.source.title}, {self.source.licence}, terms at {self.source.homepage}"
        return download(
            url, target, md5=archive.md5, sha256=archive.sha256, tell=lambda line: self.tell(f"{line}; {terms}")
        )


def remove_if_empty(folder: Path) -> None:
    """Remove a folder if it is empty."""
    if folder.is_dir() and not any(folder.iterdir()):
        folder.rmdir()

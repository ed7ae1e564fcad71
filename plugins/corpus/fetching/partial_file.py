"""``NAME.partial``: the bytes of a download so far, and beside it the version that the server named."""

from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import BinaryIO

from megaasr import OutputError, one_line

MARK_LENGTH = 256
"""Longest validator (ETag or date) that is kept."""
_NO_LINK = getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_BINARY", 0) | getattr(os, "O_NONBLOCK", 0)


class PartialFile:
    """An unfinished download and the server's validator (ETag or date) of the file's version (RFC 9110, 13.1.5).

    With a published checksum the rest may come from a mirror, because the checksum verifies the whole file. Without
    a checksum only the validator identifies the version; without a validator the download starts again.
    """

    def __init__(self, target: Path) -> None:
        self.path = target.with_name(f"{target.name}.partial")
        self.mark = target.with_name(f"{target.name}.partial.mark")

    def check(self) -> None:
        """OutputError if a link or anything but one plain file has the name: its target would be written to."""
        for path in (self.path, self.mark):
            try:
                found = path.lstat()
            except FileNotFoundError:
                continue
            if not stat.S_ISREG(found.st_mode) or found.st_nlink != 1:
                raise OutputError(f"cannot write {path}: it is a link or no plain file; remove it")

    def size(self) -> int:
        """Bytes so far."""
        return self.path.stat().st_size if self.path.is_file() else 0

    def remove(self) -> None:
        """Remove the bytes and the version."""
        self.path.unlink(missing_ok=True)
        self.mark.unlink(missing_ok=True)

    def version(self) -> str:
        """The validator of the bytes so far, empty if there is none."""
        if not self.size() or not self.mark.is_file():
            return ""
        with self.mark.open("rb") as file:
            return _strong(file.read(4 * MARK_LENGTH).decode("utf-8", "replace"))

    def begin(self, version: str) -> None:
        """Start with no bytes, of a version of the file."""
        self.remove()
        if _strong(version):
            with self._open(self.mark, os.O_CREAT | os.O_EXCL) as file:
                file.write(version.encode())

    def appending(self) -> BinaryIO:
        """The file, open at its end; links are not followed."""
        return self._open(self.path, os.O_CREAT | os.O_APPEND)

    def _open(self, path: Path, how: int) -> BinaryIO:
        self.check()
        try:
            return os.fdopen(os.open(path, os.O_WRONLY | how | _NO_LINK, 0o666), "ab")
        except OSError as error:
            raise OutputError(f"cannot write {path}: {error.strerror or one_line(error)}") from error


def _strong(version: str) -> str:
    """The validator if it identifies identical bytes and can be sent back, else an empty text."""
    plain = version.isascii() and version.isprintable() and len(version) <= MARK_LENGTH
    return version if plain and not version.startswith("W/") else ""

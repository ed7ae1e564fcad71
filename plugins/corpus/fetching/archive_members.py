"""Writes the members of an untrusted archive: only new files and folders, only below one folder."""

from __future__ import annotations

import os
import unicodedata
from collections.abc import Iterable
from pathlib import Path, PurePosixPath, PureWindowsPath

from megaasr import OutputError, one_line

from .archive_limits import Account, refused
from .download import check_space

CHECK_BYTES = 2**20
"""Files from this size on are compared with the free space before they are written."""
NEW_FILE = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_BINARY", 0)
PATH_BYTES = 4095
"""Longest path that the system calls of Linux take (PATH_MAX without the final NUL)."""


class Destination:
    """The folder that an archive is unpacked into.

    Args:
        archive: the archive, for messages.
        folder: an existing folder that nobody else writes to; it holds no links.
        account: what the archive may still cost.
    """

    def __init__(self, archive: Path, folder: Path, account: Account) -> None:
        self.archive, self.folder, self.account = archive, folder, account
        self.room = PATH_BYTES - len(os.fsencode(folder.absolute())) - 1
        self.longest = _longest_name(folder)
        self.num_files = 0

    def parts(self, name: str) -> tuple[str, ...]:
        """The components of a member's name; empty for the folder itself.

        Raises:
            FetchError: the name leads out of the folder, or cannot be a name everywhere.
        """
        path = PurePosixPath(name.replace("\\", "/"))
        if path.is_absolute() or ".." in path.parts or PureWindowsPath(name).drive:
            raise refused(self.archive, name, "lies outside the folder")
        if any(unicodedata.category(letter) == "Cc" for letter in name):
            raise refused(self.archive, name, "has a control character in its name")
        try:
            num_bytes = [len(part.encode("utf-8")) for part in path.parts]
        except UnicodeEncodeError as error:
            raise refused(self.archive, name, "has a name that is not UTF-8") from error
        if max(num_bytes, default=0) > self.longest:
            raise refused(self.archive, name, f"has a name of more than {self.longest} bytes")
        if sum(num_bytes) + len(num_bytes) > self.room:
            raise refused(self.archive, name, f"has a path of more than {PATH_BYTES} bytes")
        if len(path.parts) - 1 > self.account.limits.max_depth:
            raise refused(self.archive, name, f"lies deeper than {self.account.limits.max_depth} folders")
        return path.parts

    def check_size(self, name: str, size: int) -> None:
        """FetchError if a member declares more bytes than the archive may still unpack to."""
        left = self.account.max_bytes - self.account.num_bytes
        if size > left:
            raise refused(self.archive, name, f"declares {size} bytes, and at most {left} can follow")

    def make_folder(self, name: str) -> None:
        """Create a folder; it may exist already."""
        self.account.add_member(self.archive)
        self._make_folders(self.parts(name), name)

    def write(self, name: str, size: int, chunks: Iterable[bytes]) -> None:
        """Write a new file.

        Raises:
            FetchError: its name is refused, or taken.
            OutputError: it cannot be written, or the disk is full.
        """
        self.account.add_member(self.archive)
        parts = self.parts(name)
        if not parts:
            raise refused(self.archive, name, "has no name")
        parent = self._make_folders(parts[:-1], name)
        path = parent / parts[-1]
        key = _key(path)
        if key in self.account.files or key in self.account.folders:
            raise refused(self.archive, name, "occurs twice, or differs only in case from another")
        self.account.files.add(key)
        if size >= CHECK_BYTES:
            check_space(path, size)
        try:
            with os.fdopen(os.open(path, NEW_FILE, 0o666), "wb") as file:
                for chunk in chunks:
                    file.write(chunk)
        except FileExistsError as error:
            raise refused(self.archive, name, "is there already") from error
        except OSError as error:
            raise OutputError(f"cannot write {path}: {error.strerror or one_line(error)}") from error
        self.num_files += 1

    def _make_folders(self, parts: tuple[str, ...], name: str) -> Path:
        path = self.folder
        for part in parts:
            path /= part
            key, exact = _key(path), hash(path)
            if key in self.account.files or self.account.folders.get(key, exact) != exact:
                raise refused(self.archive, name, "lies below a file, or differs only in case from another")
            if key not in self.account.folders:
                try:
                    path.mkdir(exist_ok=True)
                except OSError as error:
                    raise OutputError(f"cannot write {path}: {error.strerror or one_line(error)}") from error
                self.account.folders[key] = exact
        return path


def _key(path: Path) -> int:
    """The hash of a path as a file system without case sees it."""
    return hash(unicodedata.normalize("NFC", str(path)).casefold())


def _longest_name(folder: Path) -> int:
    try:
        return os.pathconf(folder, "PC_NAME_MAX")
    except (AttributeError, OSError, ValueError):  # a system that does not say
        return 255

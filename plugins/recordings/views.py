"""Parts of files as files: a stretch, with some bytes replaced; nothing is copied."""

from __future__ import annotations

import io
import mmap
from collections.abc import Mapping
from typing import BinaryIO, cast


class View(io.RawIOBase):
    """The bytes start..stop of a file that can be sought, as a file of its own.

    Args:
        file: read through; two views of one file are not for two threads.
        start, stop: in bytes.
        patches: bytes that stand in for those of the file, by their offset in the view.
    """

    def __init__(self, file: BinaryIO, start: int, stop: int, patches: Mapping[int, bytes] | None = None) -> None:
        self._file, self._start, self._size = file, start, stop - start
        self._patches = dict(patches or {})
        self._at = 0

    def readable(self) -> bool:
        """Always."""
        return True

    def seekable(self) -> bool:
        """Always."""
        return True

    def tell(self) -> int:
        """The offset in the view."""
        return self._at

    def seek(self, offset: int, whence: int = 0) -> int:
        """As of any file."""
        self._at = max(0, offset + (0, self._at, self._size)[whence])
        return self._at

    def readinto(self, buffer: object) -> int:
        """As of any file."""
        if self._at >= self._size:  # behind the end, perhaps further than the file can be sought
            return 0
        into = memoryview(buffer).cast("B")  # type: ignore[arg-type]
        self._file.seek(self._start + self._at)
        data = bytearray(self._file.read(min(len(into), self._size - self._at)))
        for offset, patch in self._patches.items():
            first = max(offset, self._at)
            last = min(offset + len(patch), self._at + len(data))
            if first < last:
                data[first - self._at : last - self._at] = patch[first - offset : last - offset]
        into[: len(data)] = data
        self._at += len(data)
        return len(data)


def view(file: BinaryIO, start: int, stop: int, patches: Mapping[int, bytes] | None = None) -> BinaryIO:
    """A `View` as what annotations call a binary file."""
    return cast("BinaryIO", View(file, start, stop, patches))


def size_of(file: BinaryIO) -> int:
    """Size in bytes; the file is at its start afterwards."""
    size = file.seek(0, 2)
    file.seek(0)
    return size


def all_bytes(file: BinaryIO) -> bytes | mmap.mmap:
    """All of a file: mapped into memory if it lies on a disk, else read."""
    file.seek(0)
    try:
        return mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
    except (OSError, ValueError):
        return file.read()

"""What an archive may cost, and the error that says what it exceeds."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from pathlib import Path

from .errors import FetchError

ELSEWHERE = "get it from its publisher, or unpack it yourself and name its folder with --from"
NAME_SHOWN = 80
"""Characters of a member's name that an error shows."""


@dataclass(frozen=True)
class ArchiveLimits:
    """Limits of one archive and of the archives within it.

    Args:
        max_ratio: unpacked bytes (of a tar with its headers) for each byte of the archive. Speech packs to half.
        spare_bytes: unpacked bytes that any archive may have besides.
        max_members: files and folders; the largest public corpora have some 2.5 million.
        max_depth: folders above a file.
        max_header_bytes: a name or an extended header of a tar.
        max_directory_bytes: the central directory of a zip, which is held in memory.
        decoder_bytes: memory of the xz decoder; ``xz -9`` needs 65 MiB.
    """

    max_ratio: int = 100
    spare_bytes: int = 2**24
    max_members: int = 5_000_000
    max_depth: int = 32
    max_header_bytes: int = 2**20
    max_directory_bytes: int = 2**26
    decoder_bytes: int = 2**28


LIMITS = ArchiveLimits()


class Account:
    """What is left of the limits, and the names that are taken, while an archive and those in it are unpacked."""

    def __init__(self, archive: Path, limits: ArchiveLimits = LIMITS) -> None:
        self.limits = limits
        self.num_packed = archive.stat().st_size
        self.max_bytes = limits.spare_bytes + limits.max_ratio * self.num_packed
        self.num_bytes = self.num_members = 0
        self.files: set[int] = set()
        """Hashes of the paths of files, without case: names may be long and many."""
        self.folders: dict[int, int] = {}
        """Hash of a folder's path without case, to the hash of the path as it was written."""

    def add_bytes(self, number: int, archive: Path) -> None:
        """Count unpacked bytes; FetchError if there are too many."""
        self.num_bytes += number
        if self.num_bytes > self.max_bytes:
            raise FetchError(
                f"{archive}: refused, it unpacks to {self.num_bytes / 1e6:.0f} MB or more; {self.max_bytes / 1e6:.0f} "
                f"MB are the most for its {self.num_packed / 1e6:.3f} MB; {ELSEWHERE}"
            )

    def add_member(self, archive: Path) -> None:
        """Count a file or folder; FetchError if there are too many."""
        self.num_members += 1
        if self.num_members > self.limits.max_members:
            raise FetchError(f"{archive}: refused, it has more than {self.limits.max_members} members; {ELSEWHERE}")


_ACCOUNT: ContextVar[Account | None] = ContextVar("account", default=None)


@contextmanager
def shared_account(archive: Path) -> Iterator[Account]:
    """The account of the archive that is being unpacked: archives within it draw on the same one."""
    enclosing = _ACCOUNT.get()
    account = enclosing or Account(archive)
    token = _ACCOUNT.set(account)
    try:
        yield account
    finally:
        _ACCOUNT.reset(token)


def refused(archive: Path, name: str, why: str) -> FetchError:
    """The error for one member."""
    shown = ascii(name if len(name) <= NAME_SHOWN else name[:NAME_SHOWN])
    return FetchError(f"{archive}: refused, member {shown} {why}; {ELSEWHERE}")

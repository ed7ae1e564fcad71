"""Unpacks a tar without trusting it: every header is bounded, and only files and folders are written.

`tarfile` reads the 512-byte headers; the rest of its reader is not used: it keeps every member in memory, follows
extended headers of any length, takes a damaged header for the end, and writes links.
"""

from __future__ import annotations

import re
import tarfile
from collections.abc import Iterator

from megaasr import progress

from .archive_limits import refused
from .archive_members import Destination
from .archive_stream import ArchiveStream, DamagedError

BLOCK = 512
NAME_BYTES = 100
FILES = (tarfile.REGTYPE, tarfile.AREGTYPE)
KINDS = {
    tarfile.LNKTYPE: "is a hard link",
    tarfile.SYMTYPE: "is a symbolic link",
    tarfile.CHRTYPE: "is a character device",
    tarfile.BLKTYPE: "is a block device",
    tarfile.FIFOTYPE: "is a FIFO",
    tarfile.GNUTYPE_SPARSE: "is a sparse file",
}
RECORD = re.compile(rb"(\d{1,9}) ([^=]+)=")
"""Begin of a record of an extended header: its length and its key (POSIX pax)."""


def unpack_tar(stream: ArchiveStream, into: Destination) -> None:
    """Write every member.

    Raises:
        DamagedError: the archive is truncated or contradicts its format.
        FetchError: a member is refused, or the archive costs too much.
        OutputError: a file cannot be written.
    """
    for _ in progress(_unpacked_members(stream, into), total=None, what=f"unpacking {into.archive.name}"):
        pass


def _unpacked_members(stream: ArchiveStream, into: Destination) -> Iterator[None]:
    extended: dict[bytes, bytes] = {}
    while True:
        block = stream.exactly(BLOCK)
        if not any(block):  # the end mark
            if extended:
                raise DamagedError("a header without a member precedes its end mark")
            stream.read_to_end()
            return
        try:
            header = tarfile.TarInfo.frombuf(block, "utf-8", "surrogateescape")
        except tarfile.HeaderError as error:
            raise DamagedError(str(error)) from error
        if any(block[:NAME_BYTES].partition(b"\0")[2]):
            raise refused(into.archive, header.name, "has a NUL in its name")
        if header.type in (tarfile.GNUTYPE_LONGNAME, tarfile.GNUTYPE_LONGLINK, tarfile.XHDTYPE, tarfile.XGLTYPE):
            data = _header_data(stream, header, into)
            if header.type == tarfile.GNUTYPE_LONGNAME:
                extended[b"path"] = data.rstrip(b"\0")
            elif header.type == tarfile.XHDTYPE:
                extended |= _records(data)
            continue
        _unpack_member(stream, header, extended, into)
        extended = {}
        yield


def _header_data(stream: ArchiveStream, header: tarfile.TarInfo, into: Destination) -> bytes:
    bound = into.account.limits.max_header_bytes
    if not 0 <= header.size <= bound:
        raise refused(into.archive, header.name, f"has an extended header of {header.size} bytes, the bound is {bound}")
    return stream.exactly(header.size + -header.size % BLOCK)[: header.size]


def _unpack_member(
    stream: ArchiveStream, header: tarfile.TarInfo, extended: dict[bytes, bytes], into: Destination
) -> None:
    name = extended[b"path"].decode("utf-8", "surrogateescape") if b"path" in extended else header.name
    size = header.size
    if b"size" in extended:
        if not re.fullmatch(rb"\d{1,15}", extended[b"size"]):
            raise DamagedError("a size in an extended header is no number")
        size = int(extended[b"size"])
    kind = "is a sparse file" if any(key.startswith(b"GNU.sparse") for key in extended) else KINDS.get(header.type)
    if kind or header.type not in (*FILES, tarfile.DIRTYPE):
        raise refused(into.archive, name, kind or f"is of the unknown type {header.type!r}")
    if header.type == tarfile.DIRTYPE:
        return into.make_folder(name)
    if size < 0:
        raise DamagedError("a size is negative")
    into.check_size(name, size)
    into.write(name, size, stream.chunks(size))
    stream.exactly(-size % BLOCK)


def _records(data: bytes) -> dict[bytes, bytes]:
    """The records of an extended header: ``LENGTH KEY=VALUE`` and a newline, the length counting all of it."""
    records: dict[bytes, bytes] = {}
    begin = 0
    while begin < len(data) and data[begin]:
        found = RECORD.match(data, begin)
        end = begin + int(found[1]) if found else 0
        if found is None or not found.end() < end <= len(data) or data[end - 1 : end] != b"\n":
            raise DamagedError("an extended header is broken")
        records[found[2]] = data[found.end() : end - 1]
        begin = end
    return records

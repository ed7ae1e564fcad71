"""Unpacks a zip without trusting it: the whole directory is checked before the first file is written."""

from __future__ import annotations

import stat
import struct
import zipfile
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import BinaryIO

from megaasr import progress

from .archive_limits import ELSEWHERE, Account, refused
from .archive_members import Destination
from .archive_stream import PIECE_BYTES, DamagedError
from .download import check_space
from .errors import FetchError

METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2)
ENCRYPTED = 0x1
PATCHED = 0x20
LOCAL_HEADER_BYTES = 30
END = struct.Struct("<4s4H2LH")
END_MARK = b"PK\5\6"
END_64 = struct.Struct("<4sQ2H2L4Q")
LOCATOR_64 = struct.Struct("<4sLQL")
TYPES = {stat.S_IFLNK: "is a symbolic link", stat.S_IFIFO: "is a FIFO", stat.S_IFSOCK: "is a socket"}


def unpack_zip(file: BinaryIO, into: Destination) -> None:
    """Write every member.

    Raises:
        DamagedError, zipfile.BadZipFile: the archive is truncated or contradicts its format.
        FetchError: a member is refused, or the archive costs too much.
        OutputError: a file cannot be written, or the disk is too small.
    """
    _check_directory(file, into.account, into.archive)
    with zipfile.ZipFile(file) as packed:
        members = packed.infolist()
        for member in members:
            _check(member, into)
        ordered = sorted(members, key=lambda member: member.header_offset)
        for before, after in pairwise(ordered):
            if before.header_offset + LOCAL_HEADER_BYTES + before.compress_size > after.header_offset:
                raise refused(into.archive, after.filename, "overlaps another")
        total = sum(member.file_size for member in members)
        into.account.add_bytes(total, into.archive)
        check_space(into.folder / "file", total)
        for member in progress(members, total=len(members), what=f"unpacking {into.archive.name}"):
            if member.orig_filename.endswith(("/", "\\")):
                into.make_folder(member.orig_filename)
            else:
                into.write(member.orig_filename, member.file_size, _chunks(packed, member))


def _check(member: zipfile.ZipInfo, into: Destination) -> None:
    kind = stat.S_IFMT(member.external_attr >> 16)
    if kind not in (0, stat.S_IFREG, stat.S_IFDIR):
        raise refused(into.archive, member.filename, TYPES.get(kind, "is a device, or of an unknown type"))
    if member.flag_bits & ENCRYPTED:
        raise refused(into.archive, member.filename, "is encrypted")
    if member.compress_type not in METHODS or member.flag_bits & PATCHED:
        raise refused(into.archive, member.filename, f"is packed by method {member.compress_type}, which is not read")
    into.parts(member.orig_filename)


def _chunks(packed: zipfile.ZipFile, member: zipfile.ZipInfo) -> Iterator[bytes]:
    """The content of a member, never longer than its declared size; its checksum is verified at the end."""
    size = 0
    try:
        with packed.open(member) as content:
            while piece := content.read(PIECE_BYTES):
                size += len(piece)
                yield piece
    except OSError as error:
        raise DamagedError(str(error)) from error
    if size != member.file_size:
        raise DamagedError("a file is shorter than the directory says")


def _check_directory(file: BinaryIO, account: Account, archive: Path) -> None:
    """Bound the size of the directory before `zipfile` reads it into memory."""
    end_of_file = file.seek(0, 2)
    begin = max(0, end_of_file - END.size - 2**16)
    file.seek(begin)
    tail = file.read()
    at = tail.rfind(END_MARK)
    if at < 0 or len(tail) - at < END.size:
        raise DamagedError("its directory is missing, it ends early")
    size = END.unpack_from(tail, at)[5]
    locator = begin + at - LOCATOR_64.size
    if locator >= END_64.size:
        file.seek(locator - END_64.size)
        record = file.read(END_64.size)
        if record.startswith(b"PK\6\6"):
            size = max(size if size != 2**32 - 1 else 0, END_64.unpack(record)[8])
    file.seek(0)
    bound = account.limits.max_directory_bytes
    if size > bound:
        raise FetchError(f"{archive}: refused, its directory has {size} bytes, the bound is {bound}; {ELSEWHERE}")

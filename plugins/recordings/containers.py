"""Containers that FFmpeg reads, and CAF and AU: what their headers promise is held against what is there."""

from __future__ import annotations

from collections.abc import Iterator
from typing import BinaryIO

from megaasr import AudioError

from .sound import UNKNOWN_FROM
from .views import all_bytes, size_of, view

ASF = b"\x30\x26\xb2\x75\x8e\x66\xcf\x11"
_ASF_DATA = b"\x36\x26\xb2\x75\x8e\x66\xcf\x11"
_ASF_PROPERTIES = b"\xa1\xdc\xab\x8c\x47\xa9\xcf\x11\x8e\xe4\x00\xc0\x0c\x20\x53\x65"
_ASF_DATA_HEAD = 50
MOST_OBJECTS = 100_000


def is_whole_asf(stream: BinaryIO, name: str) -> bool:
    """Whether a file of Windows Media ends with a whole packet; only one that was broadcast may not.

    Raises:
        AudioError: an object is longer than the file, none follows where one ends, or the packets, which have one
            size, do not all begin with the same flags.
    """
    size, at, is_broadcast, packet = size_of(stream), 0, False, 0
    for _ in range(MOST_OBJECTS):
        if at >= size:
            return True
        head = _bytes(stream, at, 24)
        length, stop = int.from_bytes(head[16:], "little"), at + int.from_bytes(head[16:], "little")
        if at == 0:
            is_broadcast, packet = _properties(_bytes(stream, 0, min(length, 2**20)))
        is_data = head[:8] == _ASF_DATA
        if is_data and is_broadcast and (length < _ASF_DATA_HEAD or stop > size):
            return not packet or (size - at - _ASF_DATA_HEAD) % packet == 0
        if length >= 24 and stop <= size:
            if is_data and packet and len(set(all_bytes(stream)[at + _ASF_DATA_HEAD : stop : packet])) > 1:
                raise AudioError(f"{name}: damaged, its packets do not follow each other; copy the file again")
            at = stop
        elif is_data:
            raise AudioError(f"{name}: truncated, {size - at} of {length} data bytes are there; copy the file again")
        elif not any(head) and at:
            return True
        else:
            raise AudioError(f"{name}: truncated or damaged, no object begins at byte {at}; copy the file again")
    raise AudioError(f"{name}: damaged, it has more than {MOST_OBJECTS} objects; copy the file again")


def _properties(header: bytes) -> tuple[bool, int]:
    """Whether the file was broadcast, so that its header knows no lengths; and the size of a packet."""
    at = header.find(_ASF_PROPERTIES)
    flags, least, most = (int.from_bytes(header[at + k : at + k + 4], "little") for k in (88, 92, 96))
    return at >= 0 and bool(flags & 1), least if at >= 0 and least == most else 0


def check_mp4(stream: BinaryIO, name: str) -> None:
    """Refuse an MPEG-4 or QuickTime file that ends within its sound or its tables."""
    size, at = size_of(stream), 0
    for _ in range(MOST_OBJECTS):
        head = _bytes(stream, at, 16)
        length = int.from_bytes(head[:4], "big")
        length = int.from_bytes(head[8:], "big") if length == 1 and len(head) == 16 else length
        if at + length > size and head[4:8] in (b"mdat", b"moov", b"moof"):
            present = size - at
            raise AudioError(f"{name}: truncated, {present} of {length} bytes are there; copy the file again")
        if length < 8 or at + length >= size:
            return
        at += length


def check_au(stream: BinaryIO, head: bytes, name: str) -> None:
    """Refuse an AU file whose data is shorter than its header says; libsndfile passes over an offset that is wrong."""
    order = "big" if head[:4] == b".snd" else "little"
    start, promised = (int.from_bytes(head[at : at + 4], order) for at in (4, 8))  # type: ignore[arg-type]
    present = max(0, size_of(stream) - start)
    if present < promised < UNKNOWN_FROM:
        raise AudioError(f"{name}: truncated, {present} of {promised} data bytes are there; copy the file again")


def caf_part(stream: BinaryIO, name: str) -> tuple[BinaryIO, int]:
    """A CAF file, with a length where the writer to a pipe left it open; and the frames that it counts, or 0.

    Raises:
        AudioError: the file ends within a chunk.
    """
    size, promised = size_of(stream), 0
    for kind, at, length in _caf_chunks(stream):
        if kind == b"data" and length == 2**64 - 1:
            return view(stream, 0, size, {at - 8: (size - at).to_bytes(8, "big")}), promised
        if size - at < length:
            present = max(0, size - at)
            raise AudioError(f"{name}: truncated, {present} of {length} bytes are there; copy the file again")
        if kind == b"pakt":
            promised = int.from_bytes(_bytes(stream, at + 8, 8), "big")
    return stream, promised


def _caf_chunks(stream: BinaryIO) -> Iterator[tuple[bytes, int, int]]:
    """Name of each chunk, where its content begins, and its length."""
    at = 8
    for _ in range(MOST_OBJECTS):
        head = _bytes(stream, at, 12)
        if len(head) < 12 or not any(head):
            return
        length = int.from_bytes(head[4:], "big")
        yield head[:4], at + 12, length
        at += 12 + length


def _bytes(stream: BinaryIO, at: int, count: int) -> bytes:
    stream.seek(at)
    return stream.read(count)

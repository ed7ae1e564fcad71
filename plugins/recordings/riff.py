"""WAV in its forms (RIFF, RIFX, RF64, BW64, W64): what the header promises, what is there, and what was meant."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO, Literal

from megaasr import AudioError

from .sound import UNKNOWN_FROM
from .views import all_bytes, size_of, view

MAGIC = (b"RIFF", b"RIFX", b"RF64", b"BW64")
W64_RIFF = b"riff\x2e\x91\xcf\x11\xa5\xd6\x28\xdb\x04\xc1\x00\x00"
_W64_DATA = b"data\xf3\xac\xd3\x11\x8c\xd1\x00\xc0\x4f\x8e\xdb\x8a"
_KNOWN_AGAIN_FROM = 2**31 + 2**16
_NEVER_WRITTEN_FROM = 2**32 - 2**16
_UNKNOWN_64_FROM = 2**62
MOST_CHUNKS = 1_000
_MP3 = b"\x55\x00"
"""Tag of the format: libsndfile guesses the length of MP3 in WAV, and is wrong about the last frame."""


@dataclass
class _Header:
    """Of one recording; offsets and lengths are in bytes from its start.

    Args:
        file_length: of the whole, as the header says.
        data_start, data_length: of the samples, as the header says.
        sizes_at: where the 64-bit lengths of RF64 stand; 0 in other forms.
    """

    magic: bytes
    order: Literal["little", "big"]
    file_length: int
    data_start: int
    data_length: int
    sizes_at: int = 0

    def with_length(self, length: int, name: str) -> dict[int, bytes]:
        """The bytes that make the header say that the data has this length."""
        whole = self.data_start + length
        if self.magic == W64_RIFF:
            return {16: whole.to_bytes(8, "little"), self.data_start - 8: (length + 24).to_bytes(8, "little")}
        if self.sizes_at:
            sizes = (whole - 8).to_bytes(8, "little") + length.to_bytes(8, "little")
            return {0: b"RF64", self.sizes_at: sizes, self.data_start - 4: b"\xff\xff\xff\xff"}
        if whole >= _NEVER_WRITTEN_FROM:
            raise AudioError(f"{name}: a WAV file of more than 4 GB whose header says no length; write FLAC or RF64")
        return {4: (whole - 8).to_bytes(4, self.order), self.data_start - 4: length.to_bytes(4, self.order)}


def is_plain(head: bytes, stream: BinaryIO) -> bool:
    """Whether the first bytes are of a WAV file whose data is the last chunk, ends with the file and is no MP3."""
    at = 12
    while head[:4] == b"RIFF" and at + 8 <= len(head):
        length = int.from_bytes(head[at + 4 : at + 8], "little")
        if head[at : at + 4] == b"data":
            return length > 0 and at + 8 + length == stream.seek(0, 2)
        if head[at : at + 4] == b"fmt " and head[at + 8 : at + 10] == _MP3:
            return False
        at += 8 + length + (length & 1)
    return False


def wav_parts(stream: BinaryIO, name: str) -> list[BinaryIO]:
    """The recordings in a WAV file in order: one, or several that were joined byte by byte.

    A header without a length, as writers to pipes leave it, and one that is too long by the size of the header, are
    mended in what is returned, so that libsndfile reads all that is there. A sound file is returned as it is.

    Raises:
        AudioError: the file is shorter than its header says.
    """
    size, start = size_of(stream), 0
    parts: list[BinaryIO] = []
    while (header := _parse(stream, start, size)) is not None:
        length = _meant_length(stream, name, header, start, size)
        stop = start + header.data_start + length
        following = stop + (length & 1)
        is_joined = length > 0 and _is_recording(stream, following)
        patches = header.with_length(length, name) if length != header.data_length or header.magic == b"BW64" else {}
        if not (parts or patches or is_joined):
            break
        parts.append(view(stream, start, following if is_joined else size, patches))
        if not is_joined:
            return parts
        start = following
    stream.seek(0)
    return parts or [stream]


def mp3_data(part: BinaryIO) -> BinaryIO | None:
    """The frames of MP3 in a WAV file, as a file of their own; None where it holds something else."""
    size, is_mp3 = size_of(part), False
    for at, head in _chunks(part, 0, size, "little"):
        if head[:4] == b"fmt ":
            is_mp3 = _bytes(part, at + 8, 2) == _MP3
        elif head[:4] == b"data":
            stop = min(size, at + 8 + int.from_bytes(head[4:], "little"))
            return view(part, at + 8, stop) if is_mp3 else None
    return None


def _meant_length(stream: BinaryIO, name: str, header: _Header, start: int, size: int) -> int:
    promised, present = header.data_length, size - start - header.data_start
    if _is_unknown(header, present):
        if promised == 0 and _is_chunk(stream, start + header.data_start, size):
            return 0
        return _until_joined(stream, start + header.data_start, present)
    if promised > present:
        counted = promised - present <= header.data_start  # the header, with the data
        is_no_truth = header.file_length == size - start + 8 and promised == size - start  # both are the file's size
        if counted and (header.file_length <= size - start or is_no_truth):
            return present
        raise AudioError(f"{name}: truncated, {present} of {promised} data bytes are there; copy the file again")
    behind = start + header.data_start + promised
    if abs(header.file_length - (size - start)) > 1 or size - behind < 2 or _is_recording(stream, behind):
        return promised
    is_explained = any(_is_chunk(stream, behind + pad, size) for pad in (0, 1)) or not any(_bytes(stream, behind, 64))
    return promised if is_explained else present  # the length of the file was set at the end, that of the data was not


def _is_unknown(header: _Header, present: int) -> bool:
    length = header.data_length
    if length == 0:
        return present > 0
    marks = UNKNOWN_FROM <= length <= _KNOWN_AGAIN_FROM or _NEVER_WRITTEN_FROM <= length <= 2**32
    return length > present and (marks or length >= _UNKNOWN_64_FROM)


def _until_joined(stream: BinaryIO, data_start: int, present: int) -> int:
    """Length of data that ends with the file, or where another recording begins."""
    data = all_bytes(stream)
    at = data.find(b"WAVEfmt ", data_start)
    return at - 8 - data_start if at >= 0 and data[at - 8 : at - 4] in MAGIC else present


def _parse(stream: BinaryIO, start: int, size: int) -> _Header | None:
    """The header up to the data; None where there is none, and libsndfile says why."""
    magic = _bytes(stream, start, 16)
    if magic == W64_RIFF:
        return _parse_w64(stream, start, size)
    magic, sizes_at, length_64, file_length = magic[:4], 0, 0, 0
    order: Literal["little", "big"] = "big" if magic == b"RIFX" else "little"
    for at, head in _chunks(stream, start, size, order):
        length = int.from_bytes(head[4:8], order)
        if head[:4] == b"ds64":
            sizes = _bytes(stream, start + at + 8, 16)
            sizes_at, length_64 = at + 8, int.from_bytes(sizes[8:], "little")
            file_length = int.from_bytes(sizes[:8], "little") + 8
        elif head[:4] == b"data":
            file_length = file_length or int.from_bytes(_bytes(stream, start + 4, 4), order) + 8
            is_wide = bool(sizes_at) and length == 2**32 - 1
            return _Header(magic, order, file_length, at + 8, length_64 if is_wide else length, sizes_at)
    return None


def _chunks(stream: BinaryIO, start: int, size: int, order: Literal["little", "big"]) -> Iterator[tuple[int, bytes]]:
    at = 12
    for _ in range(MOST_CHUNKS):
        if start + at + 8 > size:
            return
        head = _bytes(stream, start + at, 8)
        yield at, head
        length = int.from_bytes(head[4:], order)
        at += 8 + length + (length & 1)


def _parse_w64(stream: BinaryIO, start: int, size: int) -> _Header | None:
    at = 40
    for _ in range(MOST_CHUNKS):
        head = _bytes(stream, start + at, 24)
        length = int.from_bytes(head[16:], "little")
        if head[:16] == _W64_DATA:
            file_length = int.from_bytes(_bytes(stream, start + 16, 8), "little")
            return _Header(W64_RIFF, "little", file_length, at + 24, max(0, length - 24))
        if length < 24 or start + at >= size:
            return None
        at += length + -length % 8
    return None


def _is_chunk(stream: BinaryIO, at: int, size: int) -> bool:
    """Whether a chunk stands here that ends with the file, or before another."""
    head = _bytes(stream, at, 8)
    name, length = head[:4], int.from_bytes(head[4:], "little")
    return len(head) == 8 and all(32 <= byte < 127 for byte in name) and at + 8 + length <= size + 1


def _is_recording(stream: BinaryIO, at: int) -> bool:
    head = _bytes(stream, at, 16)
    return head == W64_RIFF or (head[:4] in MAGIC and head[8:12] == b"WAVE")


def _bytes(stream: BinaryIO, at: int, count: int) -> bytes:
    if at >= _UNKNOWN_64_FROM:
        return b""
    stream.seek(at)
    return stream.read(count)

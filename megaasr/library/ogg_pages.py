"""The pages of Ogg files (RFC 3533): checked one by one, and numbered anew in what is written."""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from mmap import mmap

from megaasr_core.base.errors import AudioError

_REVERSED = bytes(int(f"{byte:08b}"[::-1], 2) for byte in range(256))


@dataclass(frozen=True)
class OggPage:
    """Where a page stands and what its header says.

    Args:
        start, stop: in bytes; `body` is where the header ends.
        begins, ends: whether it is the first, or marked as the last, of its stream.
        serial, number: of the stream, and of the page in it.
    """

    start: int
    body: int
    stop: int
    begins: bool
    ends: bool
    serial: int
    number: int


def ogg_pages(data: bytes | mmap, name: str) -> Iterator[OggPage]:
    """The pages of a file in order.

    Raises:
        AudioError: the file ends within a page, a checksum is wrong, or there is something between the pages.
    """
    at, size = 0, len(data)
    while at < size:
        head = data[at : at + 27]
        if head[:4] != b"OggS"[: len(head)]:
            raise AudioError(f"{name}: damaged, no page of Ogg begins at byte {at}; copy the file again")
        body = at + 27 + head[26] if len(head) == 27 else size + 1
        stop = body + sum(data[at + 27 : body])
        if body > size or stop > size:
            raise AudioError(f"{name}: truncated, the file ends within a page of Ogg; copy the file again")
        if ogg_checksum(data[at : at + 22] + bytes(4) + data[at + 26 : stop]) != int.from_bytes(head[22:26], "little"):
            raise AudioError(
                f"{name}: damaged, the checksum of the page at byte {at} is not that of its bytes; copy the file again"
            )
        serial, number = (int.from_bytes(head[place : place + 4], "little") for place in (14, 18))
        yield OggPage(at, body, stop, bool(head[5] & 2), bool(head[5] & 4), serial, number)
        at = stop


def ogg_checksum(page: bytes) -> int:
    """CRC-32 of Ogg for a page whose own checksum is zeros.

    The polynomial is that of zlib, but the bits of each byte come from the highest, and nothing is inverted.

    >>> hex(ogg_checksum(b"123456789"))
    '0x89a1897f'
    """
    reflected = zlib.crc32(page.translate(_REVERSED), 0xFFFFFFFF) ^ 0xFFFFFFFF
    return int.from_bytes(reflected.to_bytes(4, "little").translate(_REVERSED), "big")


def renumbered(data: bytes) -> bytes:
    """An Ogg file whose streams are numbered from 1: writers draw random numbers, and equal sounds differ."""
    mended, serials = bytearray(data), dict[int, int]()
    for page in ogg_pages(data, "the written file"):
        serial = serials.setdefault(page.serial, len(serials) + 1)
        mended[page.start + 14 : page.start + 18] = serial.to_bytes(4, "little")
        mended[page.start + 22 : page.start + 26] = bytes(4)
        checksum = ogg_checksum(bytes(mended[page.start : page.stop]))
        mended[page.start + 22 : page.start + 26] = checksum.to_bytes(4, "little")
    return bytes(mended)

"""FLAC (RFC 9639): a length that a writer to a pipe left open is counted, and joined files are split."""

from __future__ import annotations

from mmap import mmap
from typing import BinaryIO

from megaasr import AudioError

from .views import all_bytes, size_of, view

MAGIC = b"fLaC"
_BLOCK_SIZES = {
    1: 192,
    **{code: 576 << (code - 2) for code in range(2, 6)},
    **{n: 256 << (n - 8) for n in range(8, 16)},
}


TAIL_BYTES = 2**14
"""Decoding reads ahead, 8 KiB in libFLAC, so that it cannot tell whether another file follows within this distance."""


def flac_parts(stream: BinaryIO, name: str, is_searched: bool = True) -> list[BinaryIO]:
    """The recordings in a FLAC file in order; each says its length.

    Args:
        stream, name: the file, and its name in messages.
        is_searched: all of the file is searched for another recording, not the end alone. Decoding finds out that
            there is more, and searching takes a tenth of its time.

    Raises:
        AudioError: the file has no length, and does not end with a whole frame.
    """
    size = size_of(stream)
    head = stream.read(42)
    if not is_searched and _total(head):
        stream.seek(max(42, size - TAIL_BYTES))
        if MAGIC not in stream.read():
            return [stream]
    data = all_bytes(stream)
    starts, at = list[int](), 0
    while (at := data.find(MAGIC, at)) >= 0:
        if at == 0 or data[at + 5 : at + 8] == b"\x00\x00\x22":  # the length of the first block of metadata
            starts.append(at)
        at += 4
    parts: list[BinaryIO] = []
    for start, stop in zip(starts, [*starts[1:], len(data)], strict=True):
        patches = {}
        if not _total(data[start : start + 42]) and stop - start > 42:
            count = _counted(data, start, stop, name)
            patches[21] = bytes([(data[start + 21] & 0xF0) | count >> 32]) + (count & 0xFFFF_FFFF).to_bytes(4, "big")
        parts.append(view(stream, start, stop, patches) if patches or len(starts) > 1 else stream)
    return parts


def _total(head: bytes) -> int:
    """Number of samples, 0 where the writer did not know it."""
    return int.from_bytes(head[21:26], "big") & 0xF_FFFF_FFFF


def _counted(data: bytes | mmap, start: int, stop: int, name: str) -> int:
    """Samples up to the end of the last frame; its checksums show that it is one, and that it is whole."""
    block_size = int.from_bytes(data[start + 10 : start + 12], "big")
    at = stop
    while (at := data.rfind(b"\xff", start + 42, at)) >= 0:
        if (
            data[at : at + 2] in (b"\xff\xf8", b"\xff\xf9")
            and (found := _frame(data[at : at + 32], block_size)) is not None
        ):
            if _crc(data[at : stop - 2], 0x8005, 16) == int.from_bytes(data[stop - 2 : stop], "big"):
                return found
            if stop - at > 2**20:
                break
    raise AudioError(f"{name}: truncated or damaged, it does not end with a whole frame; copy the file again")


def _frame(head: bytes, block_size: int) -> int | None:
    """Samples from the start to the end of the frame that begins here; None if none does."""
    if len(head) < 6 or head[3] & 1:
        return None
    extra = max(0, 8 - (head[4] ^ 0xFF).bit_length() - 1) if head[4] & 0x80 else 0
    number = head[4] & (0x7F >> (extra + 1) if extra else 0x7F)
    for byte in head[5 : 5 + extra]:
        number = number << 6 | byte & 0x3F
    at, code = 5 + extra, head[2] >> 4
    samples = _BLOCK_SIZES.get(code)
    if code in (6, 7):
        samples = int.from_bytes(head[at : at + code - 5], "big") + 1
        at += code - 5
    at += {12: 1, 13: 2, 14: 2}.get(head[2] & 15, 0)
    if samples is None or at >= len(head) or _crc(head[:at], 0x07, 8) != head[at]:
        return None
    return (number if head[1] & 1 else number * block_size) + samples


def _crc(data: bytes, polynomial: int, bits: int) -> int:
    value, top, mask = 0, 1 << (bits - 1), (1 << bits) - 1
    for byte in data:
        value ^= byte << (bits - 8)
        for _ in range(8):
            value = (value << 1) ^ polynomial if value & top else value << 1
        value &= mask
    return value

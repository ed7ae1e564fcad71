"""Pages of Ogg files (RFC 3533), with valid checksums after a change."""

from __future__ import annotations

import struct

POLYNOMIAL = 0x04C11DB7
SERIAL, CHECKSUM = slice(14, 18), slice(22, 26)


def ogg_pages(data: bytes) -> list[bytes]:
    """The pages of a valid file, in order."""
    pages, start = [], 0
    while data[start : start + 4] == b"OggS":
        num_segments = data[start + 26]
        stop = start + 27 + num_segments + sum(data[start + 27 : start + 27 + num_segments])
        pages.append(data[start:stop])
        start = stop
    return pages


def ogg_page(page: bytes, serial: int | None = None) -> bytes:
    """The page with its checksum computed anew, and with another serial number where one is given."""
    changed = bytearray(page)
    if serial is not None:
        changed[SERIAL] = struct.pack("<I", serial)
    changed[CHECKSUM] = bytes(4)
    changed[CHECKSUM] = struct.pack("<I", _checksum(changed))
    return bytes(changed)


def _table() -> list[int]:
    table = []
    for index in range(256):
        value = index << 24
        for _ in range(8):
            value = ((value << 1) ^ POLYNOMIAL if value & 0x80000000 else value << 1) & 0xFFFFFFFF
        table.append(value)
    return table


_TABLE = _table()


def _checksum(data: bytes | bytearray) -> int:
    value = 0
    for byte in data:
        value = ((value << 8) & 0xFFFFFFFF) ^ _TABLE[(value >> 24) ^ byte]
    return value

"""Matroska and WebM (RFC 9559): every element is held to its length, and joined files are split."""

from __future__ import annotations

from mmap import mmap
from typing import BinaryIO, NamedTuple

from megaasr import AudioError

from .views import all_bytes, view

MAGIC = b"\x1a\x45\xdf\xa3"
_SEGMENT, _CLUSTER, _VOID, _CHECKSUM = 0x18538067, 0x1F43B675, 0xEC, 0xBF
_IN_SEGMENT = (0x114D9B74, 0x1549A966, 0x1654AE6B, 0x1C53BB6B, 0x1941A469, 0x1043A770, 0x1254C367)
_IN_CLUSTER = (0xE7, 0xA3, 0xA0, 0xA7, 0xAB, 0xAF, 0x5854)
_KNOWN = frozenset((*_IN_SEGMENT, *_IN_CLUSTER, _CLUSTER, _VOID, _CHECKSUM))
MOST_HEAD = 12
"""Bytes that the name and the length of an element take at most."""


class _Element(NamedTuple):
    """Its name, where its content begins and ends; `stop` is None where a live writer did not know the length."""

    name: int
    start: int
    stop: int | None


def matroska_parts(stream: BinaryIO, name: str) -> list[tuple[BinaryIO, bool]]:
    """The recordings in a file in order, and whether each ends with a whole element.

    A writer that could seek has put its length into the header, and the file is held to it. A browser that records has
    not: what is there is all that is known.

    Raises:
        AudioError: the file is shorter than its header says, or its elements do not follow each other.
    """
    data, at, parts = all_bytes(stream), 0, list[tuple[int, int, bool]]()
    while data[at : at + 4] == MAGIC:
        stop, is_whole = _end(data, at, name)
        parts.append((at, stop, is_whole))
        at = stop
    if len(parts) == 1:
        return [(stream, parts[0][2])]
    return [(view(stream, start, stop), is_whole) for start, stop, is_whole in parts]


def _end(data: bytes | mmap, at: int, name: str) -> tuple[int, bool]:
    """Where the recording that begins here ends, and whether that is the end of an element."""
    head = _element(data, at)
    segment = _element(data, head.stop) if head and head.stop and head.stop <= len(data) else None
    while segment and segment.name == _VOID and segment.stop:
        segment = _element(data, segment.stop)
    if segment is None or segment.name != _SEGMENT:
        raise AudioError(f"{name}: truncated or damaged, its header is not whole; copy the file again")
    if segment.stop is None:
        return _live_end(data, segment.start, name)
    if segment.stop > len(data):
        present, promised = len(data) - segment.start, segment.stop - segment.start
        raise AudioError(f"{name}: truncated, {present} of {promised} bytes are there; copy the file again")
    if _walked(data, segment.start, segment.stop, name) != segment.stop:
        raise _damage(name, segment.stop)
    return segment.stop, True


def _live_end(data: bytes | mmap, start: int, name: str) -> tuple[int, bool]:
    stop = _walked(data, start, len(data), name, is_live=True)
    return min(stop, len(data)), stop <= len(data)


def _walked(data: bytes | mmap, start: int, limit: int, name: str, is_live: bool = False) -> int:
    """Where the last element of a segment ends.

    In a live one this is behind `limit` if it is cut, and before it where padding or another file begins.
    Clusters are entered, so that their blocks follow each other too.
    """
    at, cluster_stop = start, limit
    while at < limit:
        element = _element(data, at)
        if is_live and data[at : at + 4] == MAGIC:
            return at
        if element is None or element.name not in _KNOWN or (element.stop is None and element.name != _CLUSTER):
            if is_live and not any(data[at:limit]):  # padding
                return at
            if is_live and element is None and limit - at < MOST_HEAD:
                return limit + 1
            raise _damage(name, at)
        is_in_cluster = element.name in _IN_CLUSTER
        if at > cluster_stop or (is_in_cluster and (element.stop or 0) > cluster_stop and cluster_stop < limit):
            raise _damage(name, at)
        if element.name == _CLUSTER:
            cluster_stop = limit if element.stop is None else element.stop
            if cluster_stop > limit and not is_live:
                raise _damage(name, at)
            at = element.start
        else:
            at = element.stop or limit
    return at


def _element(data: bytes | mmap, at: int) -> _Element | None:
    """The element that begins here; None if the bytes are no head of one."""
    head = data[at : at + MOST_HEAD]
    name_length = 9 - head[0].bit_length() if head else 9
    if name_length > 4 or name_length >= len(head):
        return None
    first = head[name_length]
    length = 9 - first.bit_length()
    start = name_length + length
    if length > 8 or start > len(head):
        return None
    size, most = int.from_bytes(head[name_length:start], "big") - (1 << 7 * length), (1 << 7 * length) - 1
    return _Element(int.from_bytes(head[:name_length], "big"), at + start, None if size == most else at + start + size)


def _damage(name: str, at: int) -> AudioError:
    return AudioError(f"{name}: damaged, no element begins at byte {at}; copy the file again")

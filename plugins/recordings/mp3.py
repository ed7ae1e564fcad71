"""MP3 (MPEG-1, -2 and -2.5, layer III): frames are counted, and a file is split where another recording begins."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from io import FileIO
from mmap import mmap
from typing import BinaryIO, cast

from megaasr import AudioError

from .views import all_bytes

_BITRATES = {  # kbit/s, by the index of the header
    3: (32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320),
    2: (8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160),
}
_RATES = {3: (44100, 48000, 32000), 2: (22050, 24000, 16000), 0: (11025, 12000, 8000)}
MOST_JUNK = 64 * 1024
"""Bytes before the first frame that are passed over, besides tags."""


@dataclass(frozen=True)
class _Frame:
    start: int
    stop: int
    head: bytes

    @property
    def form(self) -> tuple[int, int, bool]:
        """Version, index of the rate, mono: what stays the same in one recording."""
        return (self.head[1] >> 3) & 3, (self.head[2] >> 2) & 3, self.head[3] >> 6 == 3

    @property
    def tag_at(self) -> int:
        """Where a Xing or Info header stands in the frame: behind the side information of layer III."""
        version, _, is_mono = self.form
        return 4 + ((17 if is_mono else 32) if version == 3 else (9 if is_mono else 17))


@dataclass
class _Part:
    frames: list[_Frame]
    promised: int | None
    header: _Frame | None


def mp3_parts(stream: BinaryIO, name: str, is_exact: bool = False) -> list[tuple[BinaryIO, bool]] | None:
    """The recordings in an MP3 file in order, and whether each ends with a whole frame; None: it is no such file.

    With `is_exact`, as where a header says how many bytes the frames take, nothing but zeros may follow them.
    A recording whose length no header says gets one, since libsndfile would guess the length from the first frame.

    Raises:
        AudioError: fewer frames are there than a header says, or bytes between the frames are damaged.
    """
    data = all_bytes(stream)
    parts, is_whole = _scan(data, name, is_exact)
    if not parts:
        return None
    for part in parts:
        if part.promised is not None and len(part.frames) < part.promised - 1:  # some writers count the header too
            raise AudioError(
                f"{name}: truncated, {len(part.frames)} of {part.promised} frames are there; copy the file again"
            )
    header = parts[0].header
    if len(parts) == 1 and header and header.start == 0 and _is_kept(header, data) and isinstance(stream, FileIO):
        return [(stream, is_whole)]
    streams = [_as_file(_bytes_of(part, data)) for part in parts]
    return [(one, is_whole or one is not streams[-1]) for one in streams]


def _as_file(data: bytes) -> BinaryIO:
    """A file that is gone when it is closed: libsndfile decodes MP3 from a path only, not from memory."""
    file = tempfile.NamedTemporaryFile(prefix="megaasr-", suffix=".mp3")  # noqa: SIM115
    file.write(data)
    file.flush()
    return cast("BinaryIO", file)


def _is_kept(header: _Frame, data: bytes | mmap) -> bool:
    """Whether a header says how many samples at both ends are padding: libsndfile leaves these out."""
    return b"LAME" in data[header.start : header.stop] or b"Lavc" in data[header.start : header.stop]


def _scan(data: bytes | mmap, name: str, is_exact: bool) -> tuple[list[_Part], bool]:
    parts, at, size = list[_Part](), _skip_tags(data, 0), len(data)
    first = _next_frame(data, at, min(size, at + MOST_JUNK))
    if first is None:
        return [], True
    at = first.start
    while at < size:
        frame = _frame(data, at)
        if frame is None:
            behind = _skip_tags(data, at)
            found = _next_frame(data, behind, size)
            if found is None:  # padding, or a tag of another kind, ends the file
                if is_exact and any(data[at:]):
                    raise AudioError(f"{name}: damaged, bytes {at} to {size} are no frames; copy the file again")
                break
            if found.start != behind and any(data[behind : found.start]):
                raise AudioError(f"{name}: damaged, bytes {behind} to {found.start} are no frames; copy the file again")
            frame = found
        if frame.stop > size:
            return parts, False
        _add(parts, frame, data)
        at = frame.stop
    return [part for part in parts if part.frames], True


def _add(parts: list[_Part], frame: _Frame, data: bytes | mmap) -> None:
    promised = _promised(data, frame)
    of_last = parts[-1].frames[-1] if parts and parts[-1].frames else parts[-1].header if parts else None
    if promised is not None:
        parts.append(_Part([], promised, frame))
    elif of_last is None or of_last.form != frame.form or _is_full(parts[-1]):
        parts.append(_Part([frame], None, None))
    else:
        parts[-1].frames.append(frame)


def _is_full(part: _Part) -> bool:
    """Whether another recording must have begun; a header that counts itself too says one frame more."""
    return part.promised is not None and 0 < part.promised < len(part.frames)


def _bytes_of(part: _Part, data: bytes | mmap) -> bytes:
    frames = b"".join(data[frame.start : frame.stop] for frame in part.frames)
    if part.header and _is_kept(part.header, data) and part.promised:
        return data[part.header.start : part.header.stop] + frames
    return _header_for(part.frames[0], len(part.frames)) + frames


def _header_for(frame: _Frame, count: int) -> bytes:
    """A frame of silence with an Info header that says how many frames follow."""
    head = bytearray(frame.head)
    head[1] |= 1  # no checksum
    head[2] = (head[2] & 0x0C) | (9 << 4)  # a bitrate at which the header fits in
    length = _length(bytes(head))
    tag = b"Info" + (1).to_bytes(4, "big") + count.to_bytes(4, "big")
    return (bytes(head) + bytes(frame.tag_at - 4) + tag).ljust(length, b"\0")


def _promised(data: bytes | mmap, frame: _Frame) -> int | None:
    """Frames that a Xing, Info or VBRI header says follow it, 0 if it does not say; None if this frame is no header."""
    at = frame.start + frame.tag_at
    if data[at : at + 4] in (b"Xing", b"Info"):
        return int.from_bytes(data[at + 8 : at + 12], "big") if data[at + 7] & 1 else 0
    at = frame.start + 36
    return int.from_bytes(data[at + 14 : at + 18], "big") if data[at : at + 4] == b"VBRI" else None


def _next_frame(data: bytes | mmap, at: int, stop: int) -> _Frame | None:
    """The first frame from here on that another follows, or that ends the file."""
    for start in _syncs(data, at, stop):
        frame = _frame(data, start)
        if frame is not None and (frame.stop == len(data) or _frame(data, _skip_tags(data, frame.stop)) is not None):
            return frame
    return None


def _syncs(data: bytes | mmap, at: int, stop: int) -> Iterator[int]:
    while (at := data.find(b"\xff", at, stop)) >= 0:
        yield at
        at += 1


def _frame(data: bytes | mmap, at: int) -> _Frame | None:
    head = bytes(data[at : at + 4])
    if len(head) < 4 or head[0] != 0xFF or head[1] & 0xE6 != 0xE2:  # synchronisation, and layer III
        return None
    if (head[1] >> 3) & 3 == 1 or head[2] >> 4 in (0, 15) or (head[2] >> 2) & 3 == 3:
        return None
    return _Frame(at, at + _length(head), head)


def _length(head: bytes) -> int:
    version, rate = (head[1] >> 3) & 3, (head[2] >> 2) & 3
    bitrate = _BITRATES[3 if version == 3 else 2][(head[2] >> 4) - 1] * 1000
    return (144 if version == 3 else 72) * bitrate // _RATES[version][rate] + ((head[2] >> 1) & 1)


def _skip_tags(data: bytes | mmap, at: int) -> int:
    """Behind the ID3 and APE tags that begin here."""
    while True:
        head = data[at : at + 32]
        if head[:3] == b"ID3" and len(head) >= 10:
            at += 10 + sum(byte << shift for byte, shift in zip(head[6:10], (21, 14, 7, 0), strict=True))
            at += 10 if head[5] & 0x10 else 0
        elif head[:3] == b"TAG":
            at += 128
        elif head[:8] == b"APETAGEX":
            at += 32 + int.from_bytes(head[12:16], "little") - (0 if head[23] & 0x20 else 32)
        else:
            return at

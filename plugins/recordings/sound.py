"""`Sound`: a recording, or a part of one, that is open for decoding; and what libsndfile reads as one."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from io import FileIO
from typing import Any, BinaryIO, Protocol

import numpy as np
import numpy.typing as npt

from megaasr import AudioError

BLOCK_SAMPLES = 2**24
"""Samples that are decoded at once, of all channels: 64 MB of float32."""
UNKNOWN_FROM = 2**31 - 2**16
"""Lengths from here on, in 32 bits, are what a writer to a pipe leaves, which does not know them."""

Block = npt.NDArray[np.float32]
"""Shape (num_frames, num_channels)."""


class Sound(Protocol):
    """A recording, or a part of one; `num_frames` is None if only decoding tells it; `flags` are those of `Audio`."""

    sample_rate: int
    channels: int
    num_frames: int | None
    flags: tuple[str, ...]

    def blocks(self) -> Iterator[Block]:
        """The sound from its start, at each call; AudioError where it is damaged, or shorter than it should be."""

    def check_end(self) -> None:
        """Decode the last frame only; AudioError if it is not there."""

    def close(self) -> None:
        """Free what is open."""


_BY_DESCRIPTOR = (b"RIFF", b"fLaC")
"""First bytes of files that libsndfile knows without their name; from a descriptor it reads as fast as from a path."""


class UnreadError(Exception):
    """Raised where a file goes on behind the sound that its header tells of."""


class SoundfileSound:
    """What libsndfile reads.

    Args:
        stream: a file that can be sought; not moved by others while the sound is open.
        name: for messages.
        flags: of the `Audio`.
        head: the first bytes of the file.
        is_watched: `blocks` raises `UnreadError` where the file goes on behind the sound.

    Raises:
        LibsndfileError: the format or codec is unknown, or the header is damaged.
        AudioError: the file is shorter than its header says.
    """

    def __init__(
        self, stream: BinaryIO, name: str, flags: tuple[str, ...] = (), head: bytes = b"", is_watched: bool = False
    ) -> None:
        import soundfile

        stream.seek(0)
        self._stream, path = stream, getattr(stream, "name", None)
        source: object = os.fsencode(path) if isinstance(path, (str, bytes)) else stream
        if isinstance(stream, FileIO) and head[:4] in _BY_DESCRIPTOR:
            source = stream.fileno()
        self.file: Any = soundfile.SoundFile(source, closefd=False)
        if self.file.format == "RAW":  # libsndfile takes whatever is named .au, .snd, .vox or .gsm for sound
            self.file.close()
            raise AudioError(f"{name}: has no header that says what its samples are; give WAV, FLAC, Ogg or MP3")
        self.name, self.flags = name, flags
        self.sample_rate, self.channels = int(self.file.samplerate), int(self.file.channels)
        self.num_frames: int | None = int(self.file.frames)
        self._is_at_start, self._is_watched = True, is_watched
        if self.file.format in _SHORTENED:
            _check_lengths(name, self.file, head)

    def blocks(self) -> Iterator[Block]:
        """See `Sound`."""
        import soundfile

        file, at = self.file, 0
        try:
            if not self._is_at_start:
                file.seek(0)
            self._is_at_start = False
            while at < file.frames:
                block = file.read(min(BLOCK_SAMPLES // self.channels, file.frames - at), "float32", always_2d=True)
                if not len(block):
                    break
                at += len(block)
                yield block
        except soundfile.LibsndfileError as error:
            raise AudioError(
                f"{self.name}: truncated or damaged, decoding stops midway; copy the file again"
            ) from error
        if at != file.frames:
            raise AudioError(f"{self.name}: truncated, {at} of {file.frames} frames are there; copy the file again")
        if self._is_watched and self._stream.tell() < self._stream.seek(0, os.SEEK_END):
            raise UnreadError(self.name)

    def check_end(self) -> None:
        """See `Sound`. Pages of Ogg and frames of MP3 have been counted; some codecs cannot be sought."""
        import soundfile

        file, is_whole = self.file, True
        try:
            if file.format not in ("OGG", "MP3") and file.seekable():
                file.seek(file.frames - 1)
                is_whole = len(file.read(1, always_2d=True)) == 1
        except soundfile.LibsndfileError:
            is_whole = False
        if not is_whole:
            raise AudioError(f"{self.name}: truncated or damaged, its end cannot be decoded; copy the file again")

    def close(self) -> None:
        """See `Sound`."""
        self.file.close()


_SHORTENED = ("AIFF", "AU", "SVX", "WVE", "VOC", "MAT4", "NIST", "AVR", "CAF")
_LENGTHS = re.compile(
    r"^\s*(?:SSND|BODY|data|Data Size)\s*: (\d+) \(should be (\d+)\)|^Data length (\d+) should be (\d+)", re.MULTILINE
)
_TRUNCATED = re.compile(r"^\W*(?:File seems to be truncated|Seems to be a truncated file)", re.MULTILINE)


def _check_lengths(name: str, file: Any, head: bytes) -> None:
    """Refuse what libsndfile shortens in silence: only its log, or the header, has the length that was meant."""
    if found := _LENGTHS.search(file.extra_info):
        promised, present = (int(length) for length in found.groups() if length)
        if present < promised < UNKNOWN_FROM:
            raise AudioError(f"{name}: truncated, {present} of {promised} data bytes are there; copy the file again")
    elif _TRUNCATED.search(file.extra_info):
        raise AudioError(f"{name}: truncated; copy the file again")
    count = re.search(rb"\nsample_count -i (\d+)", head) if file.format == "NIST" else None
    promised = int(count[1]) if count else int.from_bytes(head[26:30], "big") if file.format == "AVR" else 0
    if promised > file.frames:
        raise AudioError(f"{name}: truncated, {file.frames} of {promised} frames are there; copy the file again")

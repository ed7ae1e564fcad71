"""What FFmpeg reads, through PyAV: MPEG-4, Matroska, AMR, WMA and other containers that libsndfile does not know."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from typing import Any, BinaryIO

import numpy as np

from megaasr import AudioError, one_line

from .sound import Block
from .views import size_of, view

SUFFIXES = (
    *(".m4a", ".mp4", ".m4b", ".m4v", ".mov", ".3gp", ".3g2", ".aac", ".ac3", ".eac3", ".amr", ".awb", ".wma", ".wmv"),
    *(".asf", ".webm", ".mkv", ".mka", ".avi", ".flv", ".mpg", ".mpeg", ".spx", ".wv", ".ape", ".tta", ".dts"),
)
INSTALL = 'pip install "megaasr[av]"'
DEMUXERS = (
    "mov,mp4,m4a,3gp,3g2,mj2;matroska,webm;asf;asf_o;aac;ac3;eac3;amr;amrnb;amrwb;mp3;ogg;wav;w64;caf;aiff;flac;flv;avi;"
    "mpeg;mpegts;wv;ape;tta;dts;mpc;mpc8;au;loas;latm;dsf;adx;rm;truehd;shn;voc;gsm;sln;g722;codec2;oma;xwma;nut;gxf;mxf"
).replace(";", ",")
"""Formats that are one file; playlists and lists of files would open others."""
EXACT_LENGTHS = ("mov", "matroska", "asf", "caf", "avi", "flv", "wav", "aiff")
"""Containers whose header says how long the sound is; of others FFmpeg guesses."""
SHORTEST_LOSS_S, LOST_SHARE = 0.5, 0.02
"""Less is rounding, or padding that the encoder counts."""
_FULL_SCALE = {"u8": 2.0**7, "s16": 2.0**15, "s32": 2.0**31, "s64": 2.0**63, "flt": 1.0, "dbl": 1.0}


class AvSound:
    """The first sound of a file, as FFmpeg decodes it; pictures are passed over.

    Args:
        stream: a file that can be sought.
        name: for messages.
        reason: why it is not libsndfile that reads the file, for the message where PyAV is not installed.

    Raises:
        AudioError: PyAV is not installed; or the file holds no sound, or none that can be decoded.
    """

    num_frames: int | None = None

    def __init__(self, stream: BinaryIO, name: str, reason: str, flags: tuple[str, ...] = ()) -> None:
        if not is_installed():
            raise AudioError(f"{name}: {reason}; {INSTALL} reads it")
        self._stream = view(stream, 0, size_of(stream))  # which can be sought to any place: errors there are printed
        self.name, self.flags = name, flags
        with self._opened() as (container, sound):
            self.container = str(container.format.name)
            frame = next(_frames(container, sound, name), None)
            if frame is None:
                raise AudioError(f"{name}: holds no samples")
            self.sample_rate, self.channels = int(frame.sample_rate), int(frame.layout.nb_channels)

    def blocks(self) -> Iterator[Block]:
        """See `Sound`."""
        total, waiting, size = 0, list[Block](), 0
        with self._opened() as (container, sound):
            for frame in _frames(container, sound, self.name):
                if (int(frame.sample_rate), int(frame.layout.nb_channels)) != (self.sample_rate, self.channels):
                    raise AudioError(f"{self.name}: its rate or channels change midway; convert it to WAV or FLAC")
                waiting.append(_block(frame, self.name))
                total, size = total + frame.samples, size + frame.samples
                if size >= self.sample_rate:
                    yield np.concatenate(waiting)
                    waiting, size = [], 0
            if waiting:
                yield np.concatenate(waiting)
            self._check_whole(container, sound, total / self.sample_rate)

    def check_end(self) -> None:
        """See `Sound`; the length is known only from decoding, which checks it."""

    def close(self) -> None:
        """See `Sound`."""

    @contextmanager
    def _opened(self) -> Iterator[tuple[Any, Any]]:
        import av

        self._stream.seek(0)
        try:
            options = {"format_whitelist": DEMUXERS, "protocol_whitelist": "none"}
            with av.open(self._stream, container_options=options, metadata_errors="replace") as container:
                if not container.streams.audio:
                    raise AudioError(f"{self.name}: holds no sound, only {_kinds(container) or 'other data'}")
                sound = container.streams.audio[0]
                if sound.codec_context is None:
                    raise AudioError(f"{self.name}: its sound is encrypted, or of a codec that FFmpeg does not know")
                sound.codec_context.thread_count = 1
                sound.codec_context.thread_type = "NONE"
                yield container, sound
        except av.error.FFmpegError as error:
            reason = one_line(getattr(error, "strerror", "") or error)
            raise AudioError(f"{self.name}: cannot be read as audio, or is damaged ({reason})") from error

    def _check_whole(self, container: Any, sound: Any, seconds: float) -> None:
        if not container.format.name.startswith(EXACT_LENGTHS):
            return
        promised = float(sound.duration * sound.time_base) if sound.duration else (container.duration or 0) / 1e6
        if promised - seconds > max(SHORTEST_LOSS_S, LOST_SHARE * promised) and not container.streams.video:
            raise AudioError(
                f"{self.name}: truncated, {seconds:.1f} of {promised:.1f} s are there; copy the file again"
            )


def is_installed() -> bool:
    """Whether PyAV can be imported."""
    return find_spec("av") is not None


def _frames(container: Any, sound: Any, name: str) -> Iterator[Any]:
    for frame in container.decode(sound):
        if frame.is_corrupt:
            raise AudioError(f"{name}: damaged, FFmpeg cannot decode all of it; copy the file again")
        if frame.samples:
            yield frame


def _block(frame: Any, name: str) -> Block:
    """The samples of a frame, shape (num_frames, num_channels), full scale at ±1."""
    samples, form = frame.to_ndarray(), frame.format.name.removesuffix("p")
    if form not in _FULL_SCALE:
        raise AudioError(f"{name}: samples of the form {form} are not known; convert it to WAV or FLAC")
    shaped = samples.T if frame.format.is_planar else samples.reshape(-1, int(frame.layout.nb_channels))
    if form == "flt":
        return np.asarray(shaped, dtype=np.float32)
    centred = shaped.astype(np.float64) - (128.0 if form == "u8" else 0.0)
    return (centred / _FULL_SCALE[form]).astype(np.float32)


def _kinds(container: Any) -> str:
    return ", ".join(sorted({str(one.type) for one in container.streams}))

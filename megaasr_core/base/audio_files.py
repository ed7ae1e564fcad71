"""Reading and writing of audio files; invalid files are refused with a one-line message."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from .audio import Audio
from .errors import AudioError, one_line
from .files import atomic_path

WRITTEN_FORMATS = ("wav", "flac", "ogg", "mp3", "aiff")
STREAMED_LENGTH = 0xFFFFFFFF
"""Length field of a WAV file that was written to a pipe; such a file is not truncated."""


@dataclass(frozen=True)
class AudioLimits:
    """Limits on the duration, sample rate and channels of audio files.

    Args:
        min_duration_s, max_duration_s: shorter and longer files are refused.
        min_rate_hz, max_rate_hz: other sample rates are refused, unless `convert`.
        convert: mix channels to mono and accept any sample rate.
        channel: read only this one, from 0; None: mixed.
    """

    min_duration_s: float = 0.02
    max_duration_s: float = 7200.0
    min_rate_hz: int = 8_000
    max_rate_hz: int = 48_000
    convert: bool = False
    channel: int | None = None


def read_audio(path: str | Path, limits: AudioLimits | None = None) -> Audio:
    """Read an audio file at its sample rate.

    Raises:
        AudioError: the file is missing, empty, truncated or not audio; it has NaN, several channels, or a rate or a
            length outside the limits.
    """
    import soundfile

    with opened_audio(Path(path), limits or AudioLimits()) as file:
        try:
            samples = file.read(dtype="float32", always_2d=True)
        except soundfile.LibsndfileError as error:
            raise AudioError(f"{path}: truncated or damaged, decoding stops midway; copy the file again") from error
        if len(samples) != file.frames:
            raise AudioError(
                f"{path}: truncated, {len(samples)} of {file.frames} frames are there; copy the file again"
            )
        rate = file.samplerate
    mono = samples[:, 0] if samples.shape[1] == 1 else samples.mean(axis=1)
    return Audio(np.ascontiguousarray(mono, dtype=np.float32), rate, str(path))


@contextmanager
def opened_audio(path: Path, limits: AudioLimits) -> Iterator[Any]:
    """An open `soundfile.SoundFile` whose header is within the limits; the errors of `read_audio`."""
    import soundfile

    try:
        if path.is_dir():
            raise AudioError(f"{path}: is a folder, a recording is expected")
        if path.stat().st_size == 0:
            raise AudioError(f"{path}: the file is empty (0 bytes)")
        file = soundfile.SoundFile(path)
    except FileNotFoundError as error:
        raise AudioError(f"{path}: no such file") from error
    except soundfile.LibsndfileError as error:
        raise AudioError(
            f"{path}: cannot be read as audio ({one_line(error.error_string)}); give WAV, FLAC, Ogg or MP3"
        ) from error
    except OSError as error:
        raise AudioError(f"{path}: cannot be read ({error.strerror or one_line(error)})") from error
    with file:
        _check_header(path, file, limits)
        yield file


def _check_header(path: Path, file: Any, limits: AudioLimits) -> None:
    frames, rate, channels, log = file.frames, file.samplerate, file.channels, file.extra_info
    # libsndfile silently shortens a truncated WAV or AIFF; only its log has the length in the header.
    for promised, present in re.findall(r"^\s*(?:data|SSND)\s*: (\d+) \(should be (\d+)\)", log, flags=re.MULTILINE):
        if int(promised) not in (0, STREAMED_LENGTH) and int(promised) > int(present):
            raise AudioError(f"{path}: truncated, {present} of {promised} data bytes are there; copy the file again")
    if "ended unexpectedly" in log or ("lacks an end-of-stream bit" in log and "Junk after" in log):
        raise AudioError(f"{path}: truncated, the stream has no end; copy the file again")
    if frames == 0:
        raise AudioError(f"{path}: holds no samples")
    if channels != 1 and not limits.convert:
        raise AudioError(f"{path}: has {channels} channels where mono is expected; pass --convert to mix them")
    if not (limits.min_rate_hz <= rate <= limits.max_rate_hz or limits.convert):
        raise AudioError(
            f"{path}: sample rate {rate} Hz is outside {limits.min_rate_hz}..{limits.max_rate_hz} Hz; "
            "pass --convert to resample it"
        )
    duration_s = frames / rate
    if duration_s < limits.min_duration_s:
        raise AudioError(
            f"{path}: {frames} samples ({duration_s * 1000:.3g} ms) are shorter than the minimum of "
            f"{limits.min_duration_s * 1000:g} ms; give a longer recording"
        )
    if duration_s > limits.max_duration_s:
        raise AudioError(
            f"{path}: {duration_s:.0f} s is longer than the limit of {limits.max_duration_s:g} s; split the file"
        )


def check_format(path: Path) -> str:
    """The audio format of a path's suffix; AudioError if this format cannot be written."""
    suffix = path.suffix.lower().lstrip(".")
    if suffix not in WRITTEN_FORMATS:
        raise AudioError(f"{path}: cannot write the format {suffix!r}; name a .wav or .flac file")
    return suffix


def write_audio(path: str | Path, audio: Audio) -> None:
    """Write an audio file atomically; the format follows the suffix.

    WAV is written as 32-bit float without loss, FLAC with 24 bits, other formats with their default subtype.

    Raises:
        OutputError: the file cannot be written.
        AudioError: the suffix is not supported, or samples beyond ±1 would be clipped by an integer format.
    """
    import soundfile

    path = Path(path)
    suffix = check_format(path)
    subtype = {"wav": "FLOAT", "flac": "PCM_24"}.get(suffix)
    peak = float(np.max(np.abs(audio.samples), initial=0.0))
    if peak > 1.0 and suffix != "wav":
        raise AudioError(f"{path}: the peak is {peak:.3g} and {suffix} would cut it at 1; write a .wav (32-bit float)")
    with atomic_path(path) as temporary:
        soundfile.write(temporary, audio.samples, audio.sample_rate, subtype=subtype)
        if suffix == "wav":
            _clear_time_of_writing(temporary)


def _clear_time_of_writing(path: Path) -> None:
    """Clear the time that libsndfile writes to a float WAV's PEAK chunk, so that equal samples give equal files."""
    with path.open("r+b") as file:
        head = file.read(256)
        chunk = head.find(b"PEAK")
        if chunk >= 0:
            file.seek(chunk + 12)  # name, size and version of the chunk come first, four bytes each
            file.write(bytes(4))

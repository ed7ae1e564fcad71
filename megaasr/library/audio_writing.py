"""Writing of audio files: whole or not at all, and the same bytes for the same samples."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np

from megaasr_core.base.audio import Audio
from megaasr_core.base.errors import AudioError
from megaasr_core.base.files import atomic_path

from .ogg_pages import renumbered

WRITTEN_FORMATS = ("wav", "flac", "ogg", "mp3", "aiff")


def check_format(path: Path) -> str:
    """The audio format of a path's suffix; AudioError if this format cannot be written."""
    suffix = path.suffix.lower().lstrip(".")
    if suffix not in WRITTEN_FORMATS:
        raise AudioError(f"{path}: cannot write the format {suffix!r}; name a .wav or .flac file")
    return suffix


def write_audio(path: str | Path, audio: Audio) -> None:
    """Write an audio file atomically; the format follows the suffix, and equal samples give equal files.

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
    encoded = io.BytesIO()  # in memory, since libsndfile does not say why a file cannot be written
    soundfile.write(encoded, audio.samples, audio.sample_rate, subtype=subtype, format=suffix)
    data = encoded.getvalue()
    if suffix == "wav":
        data = _without_time_of_writing(data)
    elif suffix == "ogg":
        data = renumbered(data)
    with atomic_path(path) as temporary:
        temporary.write_bytes(data)


def _without_time_of_writing(data: bytes) -> bytes:
    """A float WAV without the time that libsndfile writes to its PEAK chunk, so that equal samples give equal files."""
    chunk = data.find(b"PEAK", 0, 256)
    start = chunk + 12  # name, size and version of the chunk come first, four bytes each
    return data if chunk < 0 else data[:start] + bytes(4) + data[start + 4 :]

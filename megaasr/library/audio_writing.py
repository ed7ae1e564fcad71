"""Writing of audio files: whole or not at all, and the same bytes for the same samples."""

from __future__ import annotations

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
    with atomic_path(path) as temporary:
        soundfile.write(temporary, audio.samples, audio.sample_rate, subtype=subtype)
        if suffix == "wav":
            _clear_time_of_writing(temporary)
        elif suffix == "ogg":
            temporary.write_bytes(renumbered(temporary.read_bytes()))


def _clear_time_of_writing(path: Path) -> None:
    """Clear the time that libsndfile writes to a float WAV's PEAK chunk, so that equal samples give equal files."""
    with path.open("r+b") as file:
        head = file.read(256)
        chunk = head.find(b"PEAK")
        if chunk >= 0:
            file.seek(chunk + 12)  # name, size and version of the chunk come first, four bytes each
            file.write(bytes(4))

"""Measures audio files without decoding them."""

from __future__ import annotations

from pathlib import Path

from megaasr_core.base.audio_files import AudioLimits, opened_audio
from megaasr_core.base.errors import AudioError


def measure_audio(path: str | Path, limits: AudioLimits | None = None) -> tuple[int, int]:
    """Number of samples and sample rate in Hz of an audio file, without decoding all of it.

    The last sample is decoded, because the header of a truncated file still states the full length; damage in the
    middle is not detected.

    Raises:
        AudioError: as `read_audio`.
    """
    import soundfile

    with opened_audio(Path(path), limits or AudioLimits()) as file:
        try:
            if file.format != "OGG":  # the length of Ogg is that of its last page; seeking in Opus takes a millisecond
                file.seek(file.frames - 1)
            is_whole = file.format == "OGG" or len(file.read(1)) == 1
        except soundfile.LibsndfileError:
            is_whole = False
        if not is_whole:
            raise AudioError(f"{path}: truncated or damaged, its end cannot be decoded; copy the file again")
        return file.frames, file.samplerate

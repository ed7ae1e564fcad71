"""Measures recordings, without decoding them where that is possible."""

from __future__ import annotations

from pathlib import Path

from megaasr_core.base.audio_files import AudioLimits, opened_file, recordings


def measure_audio(path: str | Path, limits: AudioLimits | None = None) -> tuple[int, int]:
    """Number of samples and sample rate in Hz of what `read_audio` returns.

    Only what has no exact length is decoded. Of other recordings it is the last sample, because the header of a
    truncated file still states the full length; damage in the middle is not detected, except in Ogg.

    Raises:
        AudioError: as `read_audio`.
    """
    with opened_file(Path(path)) as stream:
        return recordings().measure(stream, str(path), limits or AudioLimits())

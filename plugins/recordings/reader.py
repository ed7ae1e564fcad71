"""Reader `av`: recordings in the formats that only PyAV reads."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar

from megaasr import Audio, AudioLimits, Reader, hookimpl, read_audio

from .av_sound import SUFFIXES


class Av(Reader):
    """Read MPEG-4, AAC, Matroska, WebM, AMR, WMA and others through PyAV; needs the extra ``av``."""

    name: ClassVar[str] = "av"

    def takes_audio(self, audio: Path) -> bool:
        """Whether the suffix is of such a format. Files of other names are known by their first bytes when read."""
        return audio.suffix.lower() in SUFFIXES

    def read(self, audio: Path, limits: AudioLimits | None = None) -> Audio:
        """The recording, at its own rate; AudioError when it cannot be read, or PyAV is not installed."""
        return read_audio(audio, limits)


@hookimpl
def register_readers(register):
    register(Av)

"""Sounds, and files of them that are written here and then broken."""

from __future__ import annotations

from io import BytesIO

import numpy as np
import soundfile

from megaasr import AudioLimits, decode_audio
from megaasr_plugins.recordings import decoding

RATE_HZ = 16_000
TONE = (0.2 * np.sin(np.arange(RATE_HZ) * 0.2) * np.linspace(0.2, 1, RATE_HZ)).astype(np.float32)
OTHER = (0.2 * np.sin(np.arange(RATE_HZ // 2) * 0.45)).astype(np.float32)


def written(samples: np.ndarray, kind: str, rate_hz: int = RATE_HZ, subtype: str | None = None) -> bytes:
    file = BytesIO()
    if kind == "MP3":
        file.name = "a.mp3"
    soundfile.write(file, samples, rate_hz, format=kind, subtype=subtype)
    return file.getvalue()


def decoded(data: bytes, name: str = "a file", limits: AudioLimits | None = None):
    """The audio; measuring gives its length and rate."""
    audio = decode_audio(BytesIO(data), name, limits)
    assert decoding.measure(BytesIO(data), name, limits or AudioLimits()) == (len(audio.samples), audio.sample_rate)
    return audio


def patched(data: bytes, at: int, new: bytes) -> bytes:
    return data[:at] + new + data[at + len(new) :]

"""Small recordings in every format that can be written here, made on the spot."""

from __future__ import annotations

import io
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from importlib.util import find_spec

import numpy as np
import numpy.typing as npt

from .ogg import ogg_page, ogg_pages

SAMPLE_RATE_HZ = 16_000
SHORT_S, LONG_S = 0.5, 2.5
"""Length of most recordings, and of those in Ogg, whose pages hold up to a second."""


@dataclass(frozen=True)
class Recording:
    """A valid file.

    Args:
        name: its suffix and what is in it, such as ``wav GSM610``.
        suffix: with the dot.
        data: the file.
        duration_s, sample_rate: of what a decoder makes of it, at least; the rate in Hz.
        unseen_s: of sound that may be lost unseen: what the container says of its duration is no exact number.
    """

    name: str
    suffix: str
    data: bytes
    duration_s: float
    sample_rate: int = SAMPLE_RATE_HZ
    unseen_s: float = 0.0


BY_SOUNDFILE = (
    *(("WAV", subtype, ".wav") for subtype in ("PCM_16", "PCM_24", "PCM_U8", "FLOAT", "DOUBLE", "ULAW", "ALAW")),
    *(("WAV", subtype, ".wav") for subtype in ("GSM610", "IMA_ADPCM", "MS_ADPCM", "G721_32")),
    *(("WAVEX", "PCM_16", ".wav"), ("WAVEX", "FLOAT", ".wav"), ("RF64", "PCM_16", ".wav"), ("RF64", "FLOAT", ".rf64")),
    *(("FLAC", "PCM_16", ".flac"), ("FLAC", "PCM_24", ".flac"), ("OGG", "VORBIS", ".ogg"), ("OGG", "OPUS", ".opus")),
    *(
        ("MP3", "MPEG_LAYER_III", ".mp3"),
        ("AIFF", "PCM_16", ".aiff"),
        ("AIFF", "FLOAT", ".aif"),
        ("AU", "PCM_16", ".au"),
    ),
    *(("AU", "ULAW", ".au"), ("W64", "PCM_16", ".w64"), ("CAF", "PCM_16", ".caf"), ("CAF", "ALAC_16", ".caf")),
)
BY_AV = (
    *(("ipod", "aac", ".m4a"), ("mp4", "aac", ".mp4"), ("adts", "aac", ".aac"), ("webm", "libopus", ".webm")),
    *(
        ("matroska", "aac", ".mkv"),
        ("wav", "libmp3lame", ".wav"),
        ("asf", "wmav2", ".wma"),
        ("ogg", "libopus", ".oga"),
        ("mp3", "libmp3lame", ".mp3"),
    ),
)
OGG = (".ogg", ".opus", ".oga")
CONTAINERS = (".m4a", ".mp4", ".webm", ".mkv", ".wma")
UNSEEN_S = 0.55
ESTIMATED = ".wma"
"""FFmpeg takes the duration of such a file from its size, so that any loss may be unseen."""


def speechlike(seconds: float, sample_rate: int = SAMPLE_RATE_HZ) -> npt.NDArray[np.float32]:
    """Gliding harmonics in syllables over a little noise, shape (num_samples,), peak 0.5."""
    time = np.arange(round(seconds * sample_rate)) / sample_rate
    pitch = 2 * np.pi * (120 * time + 15 * np.sin(2 * np.pi * 0.7 * time))
    voiced = sum(np.sin(number * pitch) / number for number in range(1, 12)) * (
        0.6 + 0.4 * np.sin(2 * np.pi * 4 * time)
    )
    noisy = voiced + 0.05 * np.random.default_rng(0).normal(size=len(time))
    return (0.5 * noisy / np.abs(noisy).max()).astype(np.float32)


@cache
def recordings() -> tuple[Recording, ...]:
    """Every format, in a fixed order; those of PyAV where it is installed."""
    made = [*_by_soundfile()]
    if find_spec("av"):
        made += _by_av()
    return tuple(made)


def _by_soundfile() -> Iterator[Recording]:
    import soundfile

    for container, subtype, suffix in BY_SOUNDFILE:
        seconds = LONG_S if suffix in OGG else SHORT_S
        buffer = io.BytesIO()
        soundfile.write(buffer, speechlike(seconds), SAMPLE_RATE_HZ, format=container, subtype=subtype)
        yield Recording(f"{container} {subtype}", suffix, _without_chance(buffer.getvalue()), seconds)


def _by_av() -> Iterator[Recording]:
    for container, codec, suffix in BY_AV:
        seconds = LONG_S if suffix in (*OGG, *CONTAINERS) else SHORT_S
        data = _encoded(speechlike(seconds, 48_000), container, codec)
        unseen_s = LONG_S if suffix == ESTIMATED else UNSEEN_S if suffix in CONTAINERS else 0.0
        yield Recording(f"{container} {codec}", suffix, data, min(seconds, _decoded_s(data)), 48_000, unseen_s)


def _encoded(samples: npt.NDArray[np.float32], container: str, codec: str) -> bytes:
    import av

    buffer = io.BytesIO()
    with av.open(buffer, "w", format=container, container_options={"fflags": "+bitexact"}) as file:
        stream = file.add_stream(codec, rate=48_000, layout="mono")
        stream.codec_context.options = {"strict": "experimental", "flags": "+bitexact"}
        stream.codec_context.bit_rate = 64_000
        resampler = av.AudioResampler(stream.format, "mono", 48_000, stream.codec_context.frame_size or 1_024)
        frame = av.AudioFrame.from_ndarray(samples[None, :], format="flt", layout="mono")
        frame.sample_rate = 48_000
        for part in (frame, None):
            for resampled in resampler.resample(part):
                file.mux(stream.encode(resampled))
        file.mux(stream.encode(None))
    return _without_chance(buffer.getvalue())


def _decoded_s(data: bytes) -> float:
    """What a decoder gives of an undamaged file: some codecs lose a frame."""
    import av

    with av.open(io.BytesIO(data)) as file:
        return sum(frame.samples / frame.sample_rate for frame in file.decode(audio=0))


def _without_chance(data: bytes) -> bytes:
    """The file without the time of writing, and with a fixed serial number in Ogg."""
    if data.startswith(b"OggS"):
        return b"".join(ogg_page(page, serial=1) for page in ogg_pages(data))
    peak = data.find(b"PEAK", 0, 256)
    return data if peak < 0 else data[: peak + 12] + bytes(4) + data[peak + 16 :]

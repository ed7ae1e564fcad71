"""codec: lossy coding, as by telephone calls and compressed files."""

from __future__ import annotations

from io import BytesIO
from typing import Any, ClassVar, Literal, Self

import numpy as np
from pydantic import Field, model_validator

from megaasr import ApplyContext, Primitive, Samples, hookimpl

FORMATS: dict[str, tuple[str, str, tuple[int, ...]]] = {
    "g711_mu": ("WAV", "ULAW", (8_000,)),
    "g711_a": ("WAV", "ALAW", (8_000,)),
    "gsm": ("WAV", "GSM610", (8_000,)),
    "opus": ("OGG", "OPUS", (8_000, 12_000, 16_000, 24_000, 48_000)),
    "mp3": ("MP3", "MPEG_LAYER_III", (8_000, 11_025, 12_000, 16_000, 22_050, 24_000, 32_000, 44_100, 48_000)),
}
"""Container, encoding, and supported sample rates of each codec."""
BITRATES_KBPS = {"opus": (6.0, 256.0), "mp3": (8.0, 160.0)}
"""Bit rates at libsndfile's compression levels 1 and 0, for 16 kHz mono."""

MP3_DELAY_SAMPLES = 576 + 529
"""Delay of encoder and decoder. At low bit rates a frame is too small for the tag with which the decoder removes it."""


class Codec(Primitive):
    """Encode and decode (libsndfile): G.711, GSM 06.10, Opus or MP3.

    Audio at an unsupported sample rate is resampled to the nearest supported rate and back (soxr, linear phase). The
    coding delay is removed, and the length is kept. Samples beyond full scale are clipped, as by an encoder, and a flag
    is set.
    """

    name: ClassVar[str] = "codec"
    changes: ClassVar = frozenset({"level"})

    codec: Literal["g711_mu", "g711_a", "gsm", "opus", "mp3"] = Field(
        description="name of the codec", examples=["g711_mu"]
    )
    bitrate_kbps: float | None = Field(
        None, ge=6.0, le=256.0, description="approximate bit rate in kbit/s; only for opus and mp3"
    )

    @model_validator(mode="after")
    def _bitrate_fits(self) -> Self:
        if (self.codec in BITRATES_KBPS) != (self.bitrate_kbps is not None):
            needs = "needs" if self.codec in BITRATES_KBPS else "does not take"
            raise ValueError(f"{self.codec} {needs} a bitrate_kbps")
        low, high = BITRATES_KBPS.get(self.codec, (0.0, 0.0))
        if self.bitrate_kbps is not None and not low <= self.bitrate_kbps <= high:
            raise ValueError(f"{self.codec} takes a bitrate_kbps of {low:g}..{high:g}")
        return self

    def apply(self, samples: Samples, sample_rate: int, context: ApplyContext) -> Samples:
        """Encode and decode the samples."""
        import soxr

        if len(samples) == 0:
            return samples
        if float(np.max(np.abs(samples))) > 1.0:
            context.flag("cut_by_codec")
        rates = FORMATS[self.codec][2]
        rate = min(rates, key=lambda supported: abs(supported - sample_rate))
        coded = self._coded(np.clip(soxr.resample(samples, sample_rate, rate, quality="HQ"), -1.0, 1.0), rate)
        back = soxr.resample(coded, rate, sample_rate, quality="HQ")[: len(samples)]
        result = np.zeros(len(samples), np.float32)
        result[: len(back)] = back
        return result

    def _coded(self, samples: Samples, rate: int) -> Samples:
        import soundfile

        container, encoding, _ = FORMATS[self.codec]
        options: dict[str, Any] = {}
        if self.bitrate_kbps is not None:
            low, high = BITRATES_KBPS[self.codec]
            options["compression_level"] = (high - self.bitrate_kbps) / (high - low)
        if self.codec == "mp3":
            options["compression_level"] = min(0.99, options["compression_level"])  # 1 is refused
            options["bitrate_mode"] = "CONSTANT"
        file = BytesIO()
        soundfile.write(file, samples, rate, format=container, subtype=encoding, **options)
        file.seek(0)
        decoded: Samples = soundfile.read(file, dtype="float32")[0]
        if self.codec == "mp3" and len(decoded) != len(samples):
            return decoded[MP3_DELAY_SAMPLES:]
        return decoded


@hookimpl
def register_primitives(register):
    register(Codec)

"""codec: what a call or a small file leaves of a sound."""

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
"""Container, encoding, and the sample rates that the encoder takes."""
BITRATES_KBPS = {"opus": (6.0, 256.0), "mp3": (8.0, 160.0)}
"""What libsndfile's compression level 1 and 0 stand for, at 16 kHz mono."""

MP3_DELAY_SAMPLES = 576 + 529
"""Of encoder and decoder. At low bit rates a frame has no room for the tag by which the decoder would take it out."""


class Codec(Primitive):
    """Encode and decode (libsndfile): G.711, GSM 06.10, Opus or MP3.

    Audio at a rate that the encoder does not take goes through the nearest rate that it does (soxr, linear phase). The
    delay of coding is taken out, and the length is kept. Samples beyond full scale are cut, as an encoder does,
    and a flag says so.
    """

    name: ClassVar[str] = "codec"
    changes: ClassVar = frozenset({"level"})

    codec: Literal["g711_mu", "g711_a", "gsm", "opus", "mp3"] = Field(description="the coding", examples=["g711_mu"])
    bitrate_kbps: float | None = Field(None, ge=6.0, le=256.0, description="for opus and mp3: kilobits a second, about")

    @model_validator(mode="after")
    def _bitrate_fits(self) -> Self:
        if (self.codec in BITRATES_KBPS) != (self.bitrate_kbps is not None):
            needs = "needs" if self.codec in BITRATES_KBPS else "has no choice of"
            raise ValueError(f"{self.codec} {needs} a bitrate_kbps")
        low, high = BITRATES_KBPS.get(self.codec, (0.0, 0.0))
        if self.bitrate_kbps is not None and not low <= self.bitrate_kbps <= high:
            raise ValueError(f"{self.codec} takes a bitrate_kbps of {low:g}..{high:g}")
        return self

    def apply(self, samples: Samples, sample_rate: int, context: ApplyContext) -> Samples:
        """Go through the codec."""
        import soxr

        if len(samples) == 0:
            return samples
        if float(np.max(np.abs(samples))) > 1.0:
            context.flag("cut_by_codec")
        rates = FORMATS[self.codec][2]
        rate = min(rates, key=lambda one: abs(one - sample_rate))
        coded = self._through(np.clip(soxr.resample(samples, sample_rate, rate, quality="HQ"), -1.0, 1.0), rate)
        back = soxr.resample(coded, rate, sample_rate, quality="HQ")[: len(samples)]
        result = np.zeros(len(samples), np.float32)
        result[: len(back)] = back
        return result

    def _through(self, samples: Samples, rate: int) -> Samples:
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

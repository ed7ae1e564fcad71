"""add_noise: background noise at a given SNR, recorded or white."""

from __future__ import annotations

from typing import Any, ClassVar, Literal, Self

from pydantic import Field, model_validator

from megaasr import SILENCE_DBFS, ApplyContext, DrawContext, Primitive, RecipeError, Samples, SoundRef, hookimpl


class AddNoise(Primitive):
    """Add noise so that ``20 log10(rms(speech) / rms(noise)) = snr_db`` over the whole clip (Mega-ASR).

    Noise that is shorter than the speech is repeated, longer noise is cropped. If speech or noise is silent, the SNR is
    undefined: the samples are returned unchanged, and the flag ``silent_input`` or ``silent_noise`` is set.

    The drawn part of a recording is silent below `floor_dbfs`. At -80 dBFS a 16-bit recording swings by 3 of its steps
    and is little more than their rounding; scaled to the level of speech, it would be clicks. Another part is not drawn
    instead: planning knows the lengths of recordings and not their levels, and the recipe stays what it says.
    """

    name: ClassVar[str] = "add_noise"
    changes: ClassVar = frozenset({"level"})
    stacks: ClassVar[bool] = True
    banks: ClassVar[tuple[str, ...]] = ("noise",)
    revision: ClassVar[int] = 2

    snr_db: float = Field(ge=-60.0, le=100.0, description="speech-to-noise ratio in dB, before `wet`")
    wet: float = Field(1.0, ge=0.0, le=1.0, description="factor on the noise")
    source: Literal["bank", "white"] = Field("bank", description="recorded noise, or generated white noise")
    category: str | None = Field(None, description="category of the recorded noise; any by default")
    noise: SoundRef | None = Field(None, description="the noise recording; drawn when the recipe is planned")
    offset_samples: int = Field(0, ge=0, description="start within the recording in samples; drawn with the recording")
    floor_dbfs: float | None = Field(
        None,
        ge=-200.0,
        le=0.0,
        description=f"RMS below which recorded noise counts as silent; planning sets {SILENCE_DBFS:g}. None: digital "
        "silence only, as in recipes of earlier versions",
    )

    @model_validator(mode="after")
    def _white_noise_has_no_recording(self) -> Self:
        if self.source == "white" and (self.noise or self.category):
            raise ValueError("white noise has no recording and no category")
        return self

    @classmethod
    def draw(cls, parameters: dict[str, Any], context: DrawContext) -> dict[str, Any]:
        """Draw a recording and the start within it, unless they are given; and set the floor of recorded noise."""
        if parameters.get("source", "bank") == "white":
            return parameters
        parameters = {"floor_dbfs": SILENCE_DBFS, **parameters}
        if parameters.get("noise"):
            return parameters
        bank = context.bank("noise")
        noise = bank.pick(context.rng, parameters.get("category"))
        spare = bank.num_samples(noise, context.sample_rate) - context.num_samples
        offsets = spare + 1 if spare >= 0 else spare + context.num_samples
        return {"offset_samples": int(context.rng.integers(offsets)), **parameters, "noise": noise}

    def apply(self, samples: Samples, sample_rate: int, context: ApplyContext) -> Samples:
        """Scale the noise to the SNR and add it.

        Raises:
            RecipeError: `source` is ``bank`` and `noise` is None.
        """
        from ..dsp.mixing import tile_from, with_noise

        if self.source == "white":
            from ..dsp.normals import standard_normals

            noise = standard_normals(len(samples), context.rng)
        elif self.noise is None:
            raise RecipeError(
                "primitive add_noise: noise = None names no recording; plan the recipe with a noise bank, "
                "or set source = 'white'"
            )
        else:
            noise = tile_from(context.load("noise", self.noise, sample_rate), self.offset_samples, len(samples))
        noisy, speech_energy, noise_energy = with_noise(samples, noise, self.snr_db, self.wet)
        floor = 0.0 if self.floor_dbfs is None else len(samples) * 10.0 ** (self.floor_dbfs / 10.0)
        for silent, flag in ((speech_energy == 0.0, "silent_input"), (noise_energy <= floor, "silent_noise")):
            if silent:
                context.flag(flag)
                return samples
        return noisy


@hookimpl
def register_primitives(register):
    register(AddNoise)

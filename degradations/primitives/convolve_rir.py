"""convolve_rir: convolution with a measured impulse response of a room or a device."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np
from pydantic import Field

from megaasr import ApplyContext, DrawContext, Primitive, RecipeError, Samples, SoundRef, hookimpl


class ConvolveRir(Primitive):
    """Convolve with a recorded impulse response, time-aligned to its direct path.

    Level: the convolved sound is scaled to the RMS of the input before it is mixed, so that neither the response's
    gain nor its length changes the loudness; `wet` then mixes it with the time-aligned dry sound.
    """

    name: ClassVar[str] = "convolve_rir"
    changes: ClassVar = frozenset({"level"})
    banks: ClassVar[tuple[str, ...]] = ("rir",)

    wet: float = Field(1.0, ge=0.0, le=1.0, description="share of the convolved sound")
    category: str | None = Field(None, description="category of the response; any by default")
    rir: SoundRef | None = Field(None, description="the impulse response; drawn when the recipe is planned")

    @classmethod
    def draw(cls, parameters: dict[str, Any], context: DrawContext) -> dict[str, Any]:
        """Draw a response, unless it is given."""
        if parameters.get("rir"):
            return parameters
        return {**parameters, "rir": context.bank("rir").pick(context.rng, parameters.get("category"))}

    def apply(self, samples: Samples, sample_rate: int, context: ApplyContext) -> Samples:
        """Convolve, scale and mix; silence is returned unchanged."""
        from ..dsp.convolution import convolve_aligned
        from ..dsp.mixing import rms

        if self.rir is None:
            raise RecipeError("primitive convolve_rir: the recipe names no impulse response; plan it with a bank")
        level = rms(samples)
        if level == 0.0:
            return samples
        convolved = convolve_aligned(samples, context.load("rir", self.rir, sample_rate))
        convolved_level = rms(convolved)
        if convolved_level == 0.0:
            context.flag("silent_response")
            return samples
        return np.float32(1.0 - self.wet) * samples + np.float32(self.wet * level / convolved_level) * convolved


@hookimpl
def register_primitives(register):
    register(ConvolveRir)

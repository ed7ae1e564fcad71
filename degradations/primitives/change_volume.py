"""change_volume: scaling to a target loudness, as by distance or wrong gain."""

from __future__ import annotations

import math
from typing import ClassVar

import numpy as np
from pydantic import Field

from megaasr import ApplyContext, Primitive, Samples, hookimpl


class ChangeVolume(Primitive):
    """Scale the samples to a target integrated loudness (ITU-R BS.1770-4) (Mega-ASR).

    Audio that is silent or shorter than 0.4 s has no loudness: it is returned unchanged and a flag is set.
    """

    name: ClassVar[str] = "change_volume"
    changes: ClassVar = frozenset({"level"})
    revision: ClassVar[int] = 2

    target_lufs: float = Field(ge=-70.0, le=0.0, description="target integrated loudness in LUFS")

    def apply(self, samples: Samples, sample_rate: int, context: ApplyContext) -> Samples:
        """Measure the loudness and scale the samples."""
        from ..dsp.loudness import integrated_loudness

        loudness = integrated_loudness(samples, sample_rate)
        if not math.isfinite(loudness):
            context.flag("unmeasurable_loudness")
            return samples
        gain = np.float32(10.0 ** ((self.target_lufs - loudness) / 20.0))
        return np.multiply(samples, gain, out=samples if context.owned else None)


@hookimpl
def register_primitives(register):
    register(ChangeVolume)

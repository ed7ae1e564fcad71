"""change_volume: distance and bad gain."""

from __future__ import annotations

import math
from typing import ClassVar

import numpy as np
from pydantic import Field

from megaasr import ApplyContext, Primitive, Samples, hookimpl


class ChangeVolume(Primitive):
    """Bring the integrated loudness (ITU-R BS.1770-4) to a target (Mega-ASR).

    Audio that is silent or shorter than 0.4 s has no loudness: it stays as it is and a flag says so.
    """

    name: ClassVar[str] = "change_volume"
    changes: ClassVar = frozenset({"level"})
    revision: ClassVar[int] = 2

    target_lufs: float = Field(ge=-70.0, le=0.0, description="integrated loudness in LUFS")

    def apply(self, samples: Samples, sample_rate: int, context: ApplyContext) -> Samples:
        """Measure, then scale."""
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

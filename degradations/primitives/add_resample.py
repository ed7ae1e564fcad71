"""add_resample: the narrow bandwidth of a low sample rate."""

from __future__ import annotations

from typing import ClassVar

import numpy as np
from pydantic import Field

from megaasr import ApplyContext, Primitive, Samples, hookimpl


class AddResample(Primitive):
    """Resample down and up again, so that only the band below half the target rate remains (Mega-ASR).

    It is applied if `prob` is above `threshold`, so that a range of `prob` enables it from some severity on. The filter
    is soxr's (linear phase, so the timing is kept); the original rate and length are kept.
    """

    name: ClassVar[str] = "add_resample"
    changes: ClassVar = frozenset({"level"})

    target_rate_hz: int = Field(ge=1_000, le=192_000, description="the low rate in Hz")
    wet: float = Field(1.0, ge=0.0, le=1.0, description="share of the resampled sound")
    prob: float = Field(1.0, ge=0.0, le=1.0, description="value that is compared with the threshold")
    threshold: float = Field(0.4, ge=0.0, le=1.0, description="resampling is applied if prob is above it")

    def apply(self, samples: Samples, sample_rate: int, context: ApplyContext) -> Samples:
        """Resample down and up again, or return the samples unchanged."""
        if self.prob <= self.threshold or len(samples) == 0:
            return samples
        if self.target_rate_hz >= sample_rate:
            context.flag("already_narrow_band")
            return samples
        import soxr

        from ..dsp.mixing import mixed

        low = soxr.resample(samples, sample_rate, self.target_rate_hz, quality="HQ")
        back = soxr.resample(low, self.target_rate_hz, sample_rate, quality="HQ")[: len(samples)]
        if len(back) < len(samples):  # by a sample or two, if the ratio of the rates is not simple
            back = np.pad(back, (0, len(samples) - len(back)))
        if self.wet == 1.0:
            return back
        return mixed(samples, 1.0 - self.wet, back, self.wet)


@hookimpl
def register_primitives(register):
    register(AddResample)

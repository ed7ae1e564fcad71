"""apply_filter: low-pass or high-pass filtering, as by walls, masks and small devices."""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import Field

from megaasr import ApplyContext, ParameterError, Primitive, Samples, hookimpl


class ApplyFilter(Primitive):
    """A first-order low-pass or high-pass, applied `repeat` times: 6 dB per octave each (Mega-ASR)."""

    name: ClassVar[str] = "apply_filter"
    changes: ClassVar = frozenset({"level"})
    revision: ClassVar[int] = 2

    type: Literal["lowpass", "highpass"] = Field(description="type of the filter")
    cutoff_hz: float = Field(gt=0.0, le=96_000.0, description="frequency at which one pass has -3 dB")
    repeat: int = Field(1, ge=1, le=32, description="number of passes")
    wet: float = Field(1.0, ge=0.0, le=1.0, description="share of the filtered sound")

    def apply(self, samples: Samples, sample_rate: int, context: ApplyContext) -> Samples:
        """Apply the filter. A low-pass above half the sample rate sets a flag and returns the samples unchanged.

        Raises:
            ParameterError: the cutoff of a high-pass is not below half the sample rate.
        """
        from ..dsp.first_order import first_order
        from ..dsp.mixing import mixed

        if self.cutoff_hz >= sample_rate / 2:
            if self.type == "lowpass":
                context.flag("cutoff_above_nyquist")
                return samples
            raise ParameterError(
                f"primitive apply_filter: cutoff_hz = {self.cutoff_hz:g} must be below half the sample rate, "
                f"{sample_rate / 2:g} Hz"
            )
        filtered = first_order(samples, sample_rate, self.type, self.cutoff_hz, self.repeat)
        if self.wet == 1.0:
            return filtered
        return mixed(samples, 1.0 - self.wet, filtered, self.wet)


@hookimpl
def register_primitives(register):
    register(ApplyFilter)

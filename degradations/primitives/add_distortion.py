"""add_distortion: distortion of an overdriven input."""

from __future__ import annotations

from typing import ClassVar

from pydantic import Field

from megaasr import ApplyContext, Primitive, Samples, hookimpl


class AddDistortion(Primitive):
    """Overdrive: ``tanh(10^(drive_db / 20) x)``, which lies in [-1, 1] (Mega-ASR)."""

    name: ClassVar[str] = "add_distortion"
    changes: ClassVar = frozenset({"level"})
    revision: ClassVar[int] = 2

    drive_db: float = Field(ge=0.0, le=100.0, description="gain before the nonlinearity, in dB")
    wet: float = Field(1.0, ge=0.0, le=1.0, description="share of the distorted sound")

    def apply(self, samples: Samples, sample_rate: int, context: ApplyContext) -> Samples:
        """Apply the overdrive."""
        from ..dsp.overdrive import overdrive

        return overdrive(samples, 10.0 ** (self.drive_db / 20.0), self.wet)


@hookimpl
def register_primitives(register):
    register(AddDistortion)

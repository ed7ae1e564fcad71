"""add_reverb: dense synthetic reverberation."""

from __future__ import annotations

from typing import ClassVar

from pydantic import Field

from megaasr import ApplyContext, Primitive, Samples, hookimpl


class AddReverb(Primitive):
    """Freeverb (Jezar at Dreampoint, public domain), with the parameters of Mega-ASR.

    The timing of the direct sound is kept; the tail beyond the end of the clip is cut.
    """

    name: ClassVar[str] = "add_reverb"
    changes: ClassVar = frozenset({"level"})
    revision: ClassVar[int] = 2

    room_size: float = Field(ge=0.0, le=1.0, description="0 is a closet, 1 a hall with many seconds of reverberation")
    damping: float = Field(ge=0.0, le=1.0, description="how much faster high frequencies decay")
    wet_level: float = Field(ge=0.0, le=1.0, description="level of the reverberation")
    dry_level: float = Field(ge=0.0, le=1.0, description="level of the direct sound")

    def apply(self, samples: Samples, sample_rate: int, context: ApplyContext) -> Samples:
        """Apply the reverberator."""
        from ..dsp.freeverb import freeverb

        return freeverb(samples, sample_rate, self.room_size, self.damping, self.wet_level, self.dry_level)


@hookimpl
def register_primitives(register):
    register(AddReverb)

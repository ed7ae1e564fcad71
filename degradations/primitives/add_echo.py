"""add_echo: discrete echoes."""

from __future__ import annotations

from typing import ClassVar

from pydantic import Field

from megaasr import ApplyContext, Primitive, Samples, hookimpl


class AddEcho(Primitive):
    """Add decaying echoes with a feedback delay line (Mega-ASR).

    ``y = (1 - mix) x + mix d`` with ``d[i] = x[i - n] + feedback d[i - n]``, n the delay in samples.
    """

    name: ClassVar[str] = "add_echo"
    changes: ClassVar = frozenset({"level"})
    revision: ClassVar[int] = 2

    delay_s: float = Field(gt=0.0, le=5.0, description="time between echoes in seconds, rounded down to samples")
    feedback: float = Field(ge=0.0, lt=1.0, description="level of each echo relative to the previous one")
    mix: float = Field(ge=0.0, le=1.0, description="share of the echoes; the direct sound has the rest")

    def apply(self, samples: Samples, sample_rate: int, context: ApplyContext) -> Samples:
        """Apply the delay line; the length is kept."""
        from ..dsp.echo import echo

        return echo(samples, sample_rate, self.delay_s, self.feedback, self.mix)


@hookimpl
def register_primitives(register):
    register(AddEcho)

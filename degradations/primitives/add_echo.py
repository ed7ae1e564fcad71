"""add_echo: discrete repeats."""

from __future__ import annotations

from typing import ClassVar

from pydantic import Field

from megaasr import ApplyContext, Primitive, Samples, hookimpl


class AddEcho(Primitive):
    """Mix in repeats that come back weaker: a feedback delay line (Mega-ASR).

    ``y = (1 - mix) x + mix d`` with ``d[i] = x[i - n] + feedback d[i - n]``, n the delay in samples.
    """

    name: ClassVar[str] = "add_echo"
    changes: ClassVar = frozenset({"level"})
    revision: ClassVar[int] = 2

    delay_s: float = Field(gt=0.0, le=5.0, description="time between repeats in seconds, rounded down to samples")
    feedback: float = Field(ge=0.0, lt=1.0, description="level of each repeat relative to the one before")
    mix: float = Field(ge=0.0, le=1.0, description="share of the repeats; the direct sound has the rest")

    def apply(self, samples: Samples, sample_rate: int, context: ApplyContext) -> Samples:
        """Run the delay line; the length stays."""
        from ..dsp.echo import echo

        return echo(samples, sample_rate, self.delay_s, self.feedback, self.mix)


@hookimpl
def register_primitives(register):
    register(AddEcho)

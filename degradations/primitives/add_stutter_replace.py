"""add_stutter_replace: packet loss."""

from __future__ import annotations

from typing import ClassVar

from pydantic import Field

from megaasr import ApplyContext, Primitive, Samples, hookimpl


class AddStutterReplace(Primitive):
    """Replace runs of frames by copies of the frame before them, or by silence; the length is kept (Mega-ASR)."""

    name: ClassVar[str] = "add_stutter_replace"
    changes: ClassVar = frozenset({"level"})

    frame_ms: float = Field(20.0, ge=1.0, le=1_000.0, description="length of a frame in milliseconds")
    stutter_prob: float = Field(ge=0.0, le=1.0, description="probability that a loss starts at a frame")
    repeat_prob: float = Field(0.7, ge=0.0, le=1.0, description="probability of copies; otherwise silence")
    max_repeats: int = Field(
        ge=1, le=50, description="longest loss in frames; the length is drawn from 1 to max_repeats"
    )

    def apply(self, samples: Samples, sample_rate: int, context: ApplyContext) -> Samples:
        """Draw the losses from the sample's generator and fill them."""
        from ..dsp.stutter import apply_stutter, stutter_events

        frame_samples = max(1, round(self.frame_ms * 1e-3 * sample_rate))
        num_frames = len(samples) // frame_samples
        events = stutter_events(num_frames, self.stutter_prob, self.repeat_prob, self.max_repeats, context.rng)
        return apply_stutter(samples, frame_samples, events)


@hookimpl
def register_primitives(register):
    register(AddStutterReplace)

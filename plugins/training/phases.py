"""What one phase of the training is: what it trains, how fast, on which clips."""

from __future__ import annotations

from typing import Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

Group = Literal["encoder", "aligner", "llm"]


class Phase(BaseModel):
    """One phase; its adapter is merged before the next begins (Mega-ASR, 3.1).

    Args:
        name: of its folder.
        learning_rates: of the groups that it trains, at the end of the warm-up; the others are frozen.
        max_wer: a stage for each bound, in order: the clips on which the base's WER is below that, as the paper and
            ``corpus buckets`` choose them. Nothing: one stage of all clips, labelled or not.
        epochs: passes over the clips of each stage.
        clips: so many in all instead of `epochs`, in equal shares to the stages; a stage with fewer repeats its own.
        warmup_ratio: share of the steps with a rising learning rate; then half a cosine down to 0.
        rank, alpha: of its LoRA; the delta is alpha / rank times B A.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    name: str = Field(pattern=r"^[a-z0-9_]+$")
    learning_rates: dict[Group, float]
    max_wer: list[float] = []
    epochs: int = Field(1, gt=0)
    clips: int | None = Field(None, gt=0)
    warmup_ratio: float = Field(0.05, ge=0, lt=1)
    rank: int = Field(8, gt=0)
    alpha: float = Field(16.0, gt=0)

    @model_validator(mode="after")
    def _is_trainable(self) -> Self:
        if not self.learning_rates or min(self.learning_rates.values()) <= 0:
            raise ValueError(f"phase {self.name}: learning_rates names a group or more, each with a rate above 0")
        if sorted(self.max_wer) != self.max_wer or (self.max_wer and self.max_wer[0] <= 0):
            raise ValueError(f"phase {self.name}: max_wer {self.max_wer} rises from easy to hard, and is above 0")
        return self


PAPER = (
    Phase(
        name="acoustic",
        learning_rates={"encoder": 3e-4, "aligner": 3e-4},
        max_wer=[0.3, 0.5, 0.7],
        epochs=2,
    ),
    Phase(name="semantic", learning_rates={"llm": 1e-4}, max_wer=[0.7]),
    Phase(
        name="joint",
        learning_rates={"encoder": 5e-5, "aligner": 5e-5, "llm": 1e-4},
        max_wer=[0.7],
        warmup_ratio=0.03,
    ),
)
"""The paper's three phases with learning rates for runs of hours, not of 2.4 million clips (there 1e-6 and 5e-7)."""

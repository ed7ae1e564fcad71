"""The configuration of the trainer `sft`."""

from __future__ import annotations

from typing import ClassVar, Literal, Self

from pydantic import Field, model_validator

from .clip_trainer import ClipTrainer, check_names
from .phases import PAPER, Phase


class SftSettings(ClipTrainer):
    """The configuration of the trainer `sft`, without the training itself."""

    name: ClassVar[str] = "sft"

    phases: list[Phase] = Field(list(PAPER), min_length=1, description="in order")
    runs: int = Field(
        1, gt=0, description="trainings from the base, each with the next seed; the adapter is the mean of their deltas"
    )
    batch_size: int = Field(16, gt=0, description="clips a forward pass, in each process")
    accumulation: int = Field(1, gt=0, description="forward passes a step")
    distil: float = Field(
        0.0, ge=0, description="weight of the divergence from the base's own output on the clean clip"
    )
    states: float = Field(
        0.0, ge=0, description="weight of the encoder states' squared distance from the base's on the clean clip"
    )
    dropout: float = Field(0.05, ge=0, lt=1, description="before A, in training")
    bf16: bool = Field(False, description="compute in bfloat16 (autocast); weights and optimiser stay in float32")
    save_steps: int = Field(200, gt=0, description="steps between checkpoints; a multiple of logging_steps")
    logging_steps: int = Field(10, gt=0, description="steps between rows of metrics.jsonl")
    scales: list[float] = Field([1.0, 0.75, 0.5], min_length=1, description="of the delta, to choose from")
    workers: int = Field(0, ge=0, description="processes that render; changes no result")
    report_to: list[Literal["tensorboard", "trackio", "wandb"]] = Field(
        ["tensorboard"], description="besides metrics.jsonl"
    )

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if self.save_steps % self.logging_steps:
            raise ValueError(f"save_steps {self.save_steps} is no multiple of logging_steps {self.logging_steps}")
        check_names("phases", [one.name for one in self.phases])
        if min(self.scales) <= 0:
            raise ValueError(f"scales {self.scales}: every scale is above 0")
        return self

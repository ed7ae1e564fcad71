"""The configuration of the trainer `rl`."""

from __future__ import annotations

from pathlib import Path
from typing import Any, ClassVar, Literal, Self

from pydantic import Field, field_validator, model_validator

from megaasr import Sampling

from ..clip_trainer import ClipTrainer
from ..phases import Group as ModuleGroup
from .algorithms import Algorithm

PAPER_SAMPLING = Sampling(temperature=0.5, top_p=0.95, top_k=50, repetition_penalty=1.08)
REWARD: dict[str, Any] = {
    "terms": [
        {"name": "dg_wgpo", "settings": {"floor": 0.0}},
        *({"name": name, "weight": 0.0} for name in ("wer_accuracy", "anti_repetition", "token_refinement")),
        {"name": "sentence_reconstruction", "weight": 0.0},
    ]
}
"""The paper's reward, and its terms with weight 0, which are logged."""


class RlSettings(ClipTrainer):
    """The configuration of the trainer `rl`, without the training itself."""

    name: ClassVar[str] = "rl"

    adapter: Path | None = Field(None, description="adapter folder that the policy begins with; none: the base alone")
    reward: dict[str, Any] | Path | str = Field(
        REWARD, description="name of a reward, a file NAME.yaml of a composed one, or the content of such a file"
    )
    algorithm: Algorithm = Field("dapo", description="advantages and weights of the tokens; see rl/algorithms.py")
    steps: int = Field(200, gt=0, description="batches of rollouts")
    prompts: int = Field(8, gt=0, description="clips a step, over all processes")
    rollouts: int = Field(12, ge=2, description="transcripts drawn of each clip")
    sampling: Sampling = Field(PAPER_SAMPLING, description="how they are drawn")
    iterations: int = Field(2, gt=0, description="optimiser steps a batch of rollouts")
    clip_low: float = Field(0.2, gt=0, lt=1, description="the ratio to the drawing policy counts down to 1 - clip_low")
    clip_high: float = Field(0.28, gt=0, description="and up to 1 + clip_high")
    beta: float = Field(0.04, ge=0, description="weight of the divergence from the start")
    max_resamples: int = Field(4, ge=0, description="times that groups without variance are replaced in a step")
    min_spread: float = Field(1e-4, ge=0, description="largest minus smallest reward, below which a group is replaced")
    mask_overlong: bool = Field(True, description="leave transcripts that did not end out of the loss")
    learning_rates: dict[ModuleGroup, float] = Field(
        {"encoder": 5e-5, "aligner": 5e-5, "llm": 5e-5}, min_length=1, description="of the groups that are trained"
    )
    warmup_ratio: float = Field(0.03, ge=0, lt=1, description="share of the steps with a rising learning rate")
    rank: int = Field(8, gt=0, description="of the LoRA")
    alpha: float = Field(16.0, gt=0, description="the delta is alpha / rank times B A")
    micro_prompts: int = Field(4, gt=0, description="clips in one forward pass; the memory of a step goes by it")
    save_steps: int = Field(20, gt=0, description="steps between checkpoints, each of which is held against dev")
    gate: float = Field(0.3, gt=0, description="WER at which the logs divide the rollouts")
    report_to: list[Literal["tensorboard"]] = Field(["tensorboard"], description="besides metrics.jsonl")

    @field_validator("reward", mode="before")
    @classmethod
    def _file(cls, value: object) -> object:
        return Path(value) if isinstance(value, str) and value.endswith((".yaml", ".yml")) else value

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if not self.learning_rates or min(self.learning_rates.values()) <= 0:
            raise ValueError("learning_rates names a group or more, each with a rate above 0")
        return self

"""`ClipTrainer`: what the configurations of all trainings on clips have in common."""

from __future__ import annotations

from typing import Any, Self

from pydantic import Field, model_validator

from megaasr import Trainer

from .selection import DevSet
from .training_clips import Source


class ClipTrainer(Trainer):
    """A training of a backend on clips, whose candidates are held against each other on dev sets."""

    backend: str = Field("whisper", description="a trainable backend")
    backend_settings: dict[str, Any] = Field({}, description="of the backend")
    # `train` is the method's name, so the field cannot have it.
    training: list[Source] = Field(
        min_length=1, examples=[[{"manifest": "labelled.jsonl"}]], description="the clips to learn from"
    )
    dev: list[DevSet] = Field(
        min_length=1, examples=[[{"name": "dev", "manifest": "dev.jsonl"}]], description="the clips to choose by"
    )
    weight_decay: float = Field(0.01, ge=0, description="of AdamW")
    clip_norm: float = Field(1.0, gt=0, description="largest norm of the gradient")
    tolerance: float = Field(
        0.01, ge=0, description="useless outputs above those of what it starts with, as a share of a dev set"
    )
    eval_batch_size: int = Field(16, gt=0, description="utterances decoded at once")
    decode: dict[str, Any] = Field({}, description="decoding options; none: the backend's defaults")
    seed: int = Field(0, ge=0, description="of everything that is drawn")

    @model_validator(mode="after")
    def _has_one_dev_set_of_a_name(self) -> Self:
        check_names("dev", [one.name for one in self.dev])
        return self

    @property
    def model_name(self) -> str:
        """Which model an adapter of the training belongs to, for its readers."""
        return f"{self.backend} {self.backend_settings}" if self.backend_settings else self.backend


def check_names(what: str, names: list[str]) -> None:
    """ValueError when two have the same name."""
    if len(set(names)) < len(names):
        raise ValueError(f"{what}: two have the same name in {', '.join(names)}")

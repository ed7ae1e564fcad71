"""The configuration of the trainer `router`."""

from __future__ import annotations

from typing import ClassVar, Literal, Self

from pydantic import Field, model_validator

from megaasr import Trainer

from .sources import Source

_EXAMPLE = [{"manifest": "clips/manifest.jsonl"}]


class RouterSettings(Trainer):
    """The configuration of the trainer `router`, without the training itself."""

    name: ClassVar[str] = "router"

    # `train` is the method's name, so the field cannot have it.
    training: list[Source] = Field(min_length=1, examples=[_EXAMPLE], description="sources of the clips to learn from")
    dev: list[Source] = Field(min_length=1, examples=[_EXAMPLE], description="sources of the clips to choose by")
    objective: Literal["label", "outcome"] = Field("label", description="the class, or which transcript is better")
    epochs: int = Field(10, gt=0, description="passes over the training clips")
    max_steps: int | None = Field(None, gt=0, description="stop after so many optimiser steps")
    batch_size: int = Field(16, gt=0, description="clips a step")
    learning_rate: float = Field(1e-3, gt=0, description="of AdamW, at the end of the warm-up")
    weight_decay: float = Field(0.01, ge=0, description="of AdamW, on matrices only")
    label_smoothing: float = Field(0.1, ge=0, lt=1, description="share of the target that goes to both classes")
    warmup_ratio: float = Field(0.1, ge=0, lt=1, description="share of the steps with a rising learning rate")
    clip_norm: float = Field(1.0, gt=0, description="largest norm of the gradient")
    crop_s: float = Field(10.0, gt=0, le=30.0, description="longer training clips are cropped to this, in seconds")
    gain_db: tuple[float, float] = Field((-20.0, 10.0), description="range of the random gain, in dB")
    noise_probability: float = Field(0.5, ge=0, le=1, description="share of the clips that get weak white noise")
    noise_snr_db: tuple[float, float] = Field((35.0, 60.0), description="range of the weak noise's SNR, in dB")
    tie_weight: float = Field(0.1, ge=0, description="outcome: weight of a tie, whose target is the base")
    most_weight: float = Field(10.0, gt=0, description="outcome: largest weight of a row; bounds runaway transcripts")
    hidden: int = Field(128, gt=0, description="width of the network")
    heads: int = Field(4, gt=0, description="attention heads; hidden is an even multiple of it")
    ffn: int = Field(256, gt=0, description="width of the feed-forward part")
    layers: int = Field(1, gt=0, description="transformer layers")
    dropout: float = Field(0.1, ge=0, lt=1, description="in training")
    downsampling: Literal[2, 4] = Field(2, description="frames a time step; the released network has 4")
    head: Literal["linear", "mlp"] = Field("linear", description="classifier; the released network has an mlp")
    threshold: float = Field(
        0.5, gt=0, lt=1, description="label: p(degraded) from which on the adapter listens; outcome: it is found on dev"
    )
    seed: int = Field(0, ge=0, description="of everything that is drawn")
    cache_mib: int = Field(1024, ge=0, description="memory for clips that have been read; changes no result")

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if self.hidden % (2 * self.heads):
            raise ValueError(f"hidden {self.hidden} is no even multiple of heads {self.heads}")
        for name, (low, high) in (("gain_db", self.gain_db), ("noise_snr_db", self.noise_snr_db)):
            if low > high:
                raise ValueError(f"{name}: {low} to {high} is no range")
        return self

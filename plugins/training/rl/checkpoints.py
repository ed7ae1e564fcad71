"""Checkpoints of a run: the LoRA, the optimiser, the place in the sequence of clips, and the figures on dev."""

from __future__ import annotations

import shutil
from dataclasses import asdict
from pathlib import Path

import torch
from safetensors.torch import save_file

from megaasr import read_json, write_json, write_text

from ..hf_trainer import ADAPTER, WHOLE, checkpoints, drop_broken, read_tensors
from ..selection import Scores, read_scores
from .policy import Policy
from .updating import Updater

OPTIMIZER, STATE, DEV = "optimizer.pt", "state.json", "dev.json"


def save(out: Path, step: int, cursor: int, policy: Policy, updater: Updater) -> Path:
    """Write what a run goes on from after a step, and drop the optimiser of the checkpoint before."""
    earlier = checkpoints(out)
    folder = out / f"checkpoint-{step}"
    folder.mkdir(parents=True, exist_ok=True)
    save_file(policy.lora.tensors(), folder / ADAPTER)
    torch.save(
        {"optimizer": updater.optimizer.state_dict(), "schedule": updater.schedule.state_dict()}, folder / OPTIMIZER
    )
    write_json(folder / STATE, {"step": step, "cursor": cursor})
    write_text(folder / WHOLE, "")
    for one in earlier:
        (one / OPTIMIZER).unlink(missing_ok=True)
    return folder


def resume(out: Path, policy: Policy, updater: Updater) -> tuple[int, int]:
    """Load the last whole checkpoint; its step and the place of the next clip, both 0 without one."""
    found = checkpoints(out)
    if not found:
        return 0, 0
    policy.lora.load(read_tensors(found[-1]))
    state = torch.load(found[-1] / OPTIMIZER, weights_only=True)
    updater.optimizer.load_state_dict(state["optimizer"])
    updater.schedule.load_state_dict(state["schedule"])
    place = read_json(found[-1] / STATE)
    return place["step"], place["cursor"]


def write_scores(folder: Path, scores: Scores) -> None:
    """Keep the figures of a checkpoint on dev beside it."""
    write_json(folder / DEV, {name: asdict(score) for name, score in scores.items()})


def scores_of(folder: Path) -> Scores | None:
    """The figures of a checkpoint on dev; None where it was not yet held against dev."""
    return read_scores(read_json(folder / DEV)) if (folder / DEV).is_file() else None


def drop(out: Path) -> None:
    """Remove all checkpoints."""
    drop_broken(out)
    for folder in checkpoints(out):
        shutil.rmtree(folder)

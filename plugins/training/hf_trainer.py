"""transformers' Trainer with checkpoints of the adapter alone, metrics as JSON lines, and nothing on stdout."""

from __future__ import annotations

import random
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import torch
from transformers import Trainer, TrainerCallback
from transformers.trainer_callback import PrinterCallback

from megaasr import jsonl_line, write_text

from .low_rank import PhaseLora

ADAPTER = "adapter.safetensors"
METRICS = "metrics.jsonl"
WHOLE = "whole"
"""The last file of a checkpoint; without it a checkpoint was cut short and is not gone on from."""
LOGGED = ("step", "epoch", "loss", "grad_norm", "learning_rate")


class AdapterTrainer(Trainer):  # type: ignore[misc]
    """Saves and loads the adapter's tensors in place of the model's."""

    def __init__(self, lora: PhaseLora, **settings: Any) -> None:
        super().__init__(**settings)
        self._lora = lora
        self.remove_callback(PrinterCallback)
        self.add_callback(_Recorder(Path(str(self.args.output_dir))))

    def _save(self, output_dir: str | None = None, state_dict: Any = None) -> None:
        from safetensors.torch import save_file

        del state_dict
        folder = Path(output_dir or str(self.args.output_dir))
        folder.mkdir(parents=True, exist_ok=True)
        save_file(self._lora.tensors(), folder / ADAPTER)

    def _load_from_checkpoint(self, resume_from_checkpoint: str, model: Any = None) -> None:
        del model
        self._lora.load(read_tensors(Path(resume_from_checkpoint)))


class _Recorder(TrainerCallback):  # type: ignore[misc]
    """Writes metrics.jsonl and marks checkpoints as whole; the main process alone does."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def on_log(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        """After every log."""
        if state.is_world_process_zero:
            rows = [{name: row[name] for name in LOGGED} for row in state.log_history if "loss" in row]
            write_text(self._folder / METRICS, "".join(map(jsonl_line, rows)))

    def on_save(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        """After every checkpoint."""
        if state.is_world_process_zero:
            write_text(self._folder / f"checkpoint-{state.global_step}" / WHOLE, "")


def read_tensors(checkpoint: Path) -> dict[str, torch.Tensor]:
    """The adapter's tensors of a checkpoint."""
    from safetensors.torch import load_file

    tensors: dict[str, torch.Tensor] = load_file(checkpoint / ADAPTER)
    return tensors


def checkpoints(folder: Path) -> list[Path]:
    """The whole checkpoints of a phase, from the first to the last."""
    return sorted(
        (path.parent for path in folder.glob(f"checkpoint-*/{WHOLE}")),
        key=lambda path: int(path.name.rpartition("-")[2]),
    )


def drop_broken(folder: Path) -> None:
    """Remove checkpoints that were cut short."""
    whole = checkpoints(folder)
    for path in folder.glob("checkpoint-*"):
        if path not in whole:
            shutil.rmtree(path)


@contextmanager
def own_random_state(seed: int) -> Iterator[None]:
    """Seed every global generator, since transformers and PEFT draw from them, and put them back as they were."""
    kept = random.getstate(), np.random.get_state()  # noqa: NPY002
    with torch.random.fork_rng():
        random.seed(seed)
        np.random.seed(seed % 2**32)  # noqa: NPY002
        torch.manual_seed(seed)
        try:
            yield
        finally:
            random.setstate(kept[0])
            np.random.set_state(kept[1])  # noqa: NPY002

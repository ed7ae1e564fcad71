"""The LoRA of one phase: put into the network, read out, merged; and the phases' LoRAs side by side in one adapter."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch

from megaasr import LoraPart, ParameterError, atomic_path, write_text

from .phases import Group, Phase

NAME = "phase"
HALVES = ("A", "B")

Tensors = dict[str, torch.Tensor]
"""``<module>.lora_A.weight``, shape (rank, in), and ``<module>.lora_B.weight``, shape (out, rank)."""


class PhaseLora:
    """A fresh LoRA in a network, and nothing else of it trainable; PEFT draws A from torch's global generator.

    Args:
        groups: linear modules by group, as `TrainableBackend.module_groups` names them.

    Raises:
        ParameterError: a group of the phase without a module.
    """

    def __init__(
        self, network: torch.nn.Module, groups: Mapping[str, Sequence[str]], phase: Phase, dropout: float
    ) -> None:
        from peft import LoraConfig
        from peft.tuners.lora import LoraModel

        self.phase = phase
        self.modules = {group: tuple(groups[group]) for group in phase.learning_rates}
        empty = [group for group, names in self.modules.items() if not names]
        if empty:
            raise ParameterError(f"phase {phase.name}: the backend has no module in group {empty[0]}")
        config = LoraConfig(
            r=phase.rank,
            lora_alpha=phase.alpha,  # type: ignore[arg-type]  # any number will do
            lora_dropout=dropout,
            target_modules=[name for names in self.modules.values() for name in names],
        )
        network.requires_grad_(False)
        self._wrapped = LoraModel(network, config, NAME)
        self._layers = {name: network.get_submodule(name) for names in self.modules.values() for name in names}

    @property
    def device(self) -> torch.device:
        """Where it computes."""
        device: torch.device = next(self._wrapped.parameters()).device
        return device

    def parameters(self, group: Group) -> list[torch.nn.Parameter]:
        """What is trained in one group."""
        return [weight for name in self.modules[group] for weight in self._halves(name).values()]

    def tensors(self) -> Tensors:
        """A copy of the LoRA, in float32 on the CPU."""
        return {
            f"{name}.{half}.weight": weight.detach().float().cpu().clone()
            for name in self._layers
            for half, weight in self._halves(name).items()
        }

    def load(self, tensors: Mapping[str, torch.Tensor]) -> None:
        """Put tensors in their places; ParameterError when there is one too few or too many."""
        places = {
            f"{name}.{half}.weight": weight for name in self._layers for half, weight in self._halves(name).items()
        }
        strange = sorted(places.keys() ^ tensors.keys())
        if strange:
            raise ParameterError(f"phase {self.phase.name}: {len(strange)} tensors do not fit, such as {strange[0]}")
        with torch.no_grad():
            for key, weight in places.items():
                weight.copy_(tensors[key])

    @contextmanager
    def off(self) -> Iterator[None]:
        """In this block the LoRA takes no part in what the network computes."""
        self._wrapped.disable_adapter_layers()
        try:
            yield
        finally:
            self._wrapped.enable_adapter_layers()

    def merge(self) -> None:
        """Add the LoRA to the network's weights, once, in their own precision, and take it out."""
        self._wrapped.merge_and_unload()

    def take_out(self) -> None:
        """Take the LoRA out of the network, which is then as it was without it."""
        self._wrapped.unload()

    def _halves(self, name: str) -> dict[str, torch.nn.Parameter]:
        layer: Any = self._layers[name]
        return {f"lora_{half}": getattr(layer, f"lora_{half}")[NAME].weight for half in HALVES}


def merge_parts(network: torch.nn.Module, blocks: Sequence[LoraPart]) -> None:
    """Add LoRAs to the weights of a network, once, in float64 and rounded to the weights' own precision.

    Raises:
        ParameterError: a module that the network does not have, or of another shape.
    """
    modules = sorted({key.rpartition(".lora_")[0] for block in blocks for key in block.tensors})
    for module in modules:
        deltas = [block.delta(module) for block in blocks if f"{module}.lora_A.weight" in block.tensors]
        try:
            weight: Any = network.get_submodule(module).weight
        except AttributeError as error:
            raise ParameterError(f"the adapter has module {module}, which the model does not have") from error
        delta = torch.stack(deltas).sum(0)
        if delta.shape != weight.shape:
            shapes = f"{tuple(delta.shape)}, the model's is {tuple(weight.shape)}"
            raise ParameterError(f"module {module}: the adapter's delta has shape {shapes}")
        with torch.no_grad():
            weight.copy_((weight.double() + delta.to(weight.device)).to(weight.dtype))


def write_adapter(folder: Path, blocks: Sequence[LoraPart], scale: float, base: str) -> None:
    """Write the phases' LoRAs as one adapter, concatenated along the rank, in half precision.

    The form is the reference's (``mega_lora_blocks.json``: start, end, rank, alpha of each module's blocks); the scale
    goes into alpha, so the tensors are what was trained.

    Args:
        scale: of the delta; 1 is as trained.
        base: which model it belongs to, for readers.
    """
    from peft import LoraConfig
    from safetensors.torch import save_file

    modules = sorted({key.rpartition(".lora_")[0] for block in blocks for key in block.tensors})
    tensors: Tensors = {}
    listed: dict[str, list[dict[str, Any]]] = {}
    for module in modules:
        own = [block for block in blocks if f"{module}.lora_A.weight" in block.tensors]
        for half, side in (("A", 0), ("B", 1)):
            key = f"{module}.lora_{half}.weight"
            tensors[key] = torch.cat([block.tensors[key] for block in own], side).half().contiguous()
        start = 0
        listed[module] = []
        for block in own:
            listed[module].append(
                {"start": start, "end": start + block.rank, "rank": block.rank, "alpha": block.alpha * scale}
            )
            start += block.rank
    rank = max(blocks[-1]["end"] for blocks in listed.values())
    config = LoraConfig(r=rank, lora_alpha=rank, target_modules=modules, base_model_name_or_path=base)
    folder.mkdir(parents=True, exist_ok=True)
    with atomic_path(folder / "adapter_model.safetensors") as temporary:
        save_file(tensors, temporary)
    # The name of the file that the scales stand in: without it a reader of the adapter would take them for 1.
    plain = {**config.to_dict(), "target_modules": modules, "mega_lora_blocks": "mega_lora_blocks.json"}
    write_text(folder / "adapter_config.json", json.dumps(plain, indent=1, sort_keys=True, default=str) + "\n")
    write_text(folder / "mega_lora_blocks.json", json.dumps(listed, indent=1) + "\n")

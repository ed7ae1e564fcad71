"""The LoRAs that lie side by side in an adapter, as they were trained."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .config import BLOCKS
from .files import PREFIX, WEIGHTS, Block, read_blocks, read_lora

if TYPE_CHECKING:
    import torch


@dataclass(frozen=True)
class LoraPart:
    """One LoRA: its tensors by name, its rank, and its alpha; the delta of a weight is alpha / rank times B A.

    Args:
        tensors: ``<module>.lora_A.weight``, shape (rank, in), and ``<module>.lora_B.weight``, shape (out, rank).
    """

    tensors: dict[str, Any]
    rank: int
    alpha: float

    def delta(self, module: str) -> torch.Tensor:
        """What it adds to the weight of a module, float64 of shape (out, in)."""
        a, b = (self.tensors[f"{module}.lora_{half}.weight"].double() for half in ("A", "B"))
        delta: torch.Tensor = self.alpha / self.rank * (b @ a)
        return delta


def read_parts(folder: Path) -> list[LoraPart]:
    """The LoRAs of an adapter folder, their tensors bit for bit as they lie there.

    A part holds the modules that have a LoRA of the same rank and alpha at the same place along their rank.

    Raises:
        AdapterError: as `read_lora`.
    """
    from safetensors.torch import load_file

    lora = read_lora(folder)
    raw = {key.removeprefix(PREFIX): tensor for key, tensor in load_file(folder / WEIGHTS).items()}
    blocks = read_blocks(folder / BLOCKS) if lora.block_modules else {}
    parts: dict[tuple[int, int, float], dict[str, Any]] = {}
    for module, (rank, scale) in sorted(lora.modules.items()):
        places = blocks.get(module, [Block(start=0, end=rank, rank=rank, alpha=scale * rank)])
        for order, place in enumerate(places):
            rows = slice(place.start, place.end)
            width = place.end - place.start
            tensors = parts.setdefault((order, width, place.scale * width), {})
            tensors[f"{module}.lora_A.weight"] = raw[f"{module}.lora_A.weight"][rows]
            tensors[f"{module}.lora_B.weight"] = raw[f"{module}.lora_B.weight"][:, rows]
    return [LoraPart(parts[key], key[1], key[2]) for key in sorted(parts)]

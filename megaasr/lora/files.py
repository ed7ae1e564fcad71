"""Reading LoRA folders: PEFT's own form, and the reference's, where several LoRAs lie side by side along the rank."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from megaasr_core.base.errors import AdapterError, one_line, shortened
from megaasr_core.base.validation import first_fault

from .config import BLOCKS, MAX_ALPHA, MAX_RANK, AdapterConfig, check_config
from .patterns import pattern_key

WEIGHTS = "adapter_model.safetensors"
CONFIG = "adapter_config.json"
PREFIX = "base_model.model."
MAX_SCALE = 1000.0
"""Largest alpha / rank; in use are 0.1 to 8."""


class Block(BaseModel):
    """One LoRA of a block-merged adapter: rows start..end of A, columns start..end of B, scaled by alpha / rank.

    Where they are not given, rank is end - start and alpha is rank, as the reference reads them.
    """

    model_config = ConfigDict(extra="ignore")

    start: int = Field(ge=0, le=MAX_RANK)
    end: int = Field(le=MAX_RANK)
    rank: int | None = Field(None, gt=0, le=MAX_RANK)
    alpha: float | None = Field(None, ge=-MAX_ALPHA, le=MAX_ALPHA, allow_inf_nan=False)

    @property
    def scale(self) -> float:
        """alpha / rank."""
        rank = self.rank or self.end - self.start
        return (rank if self.alpha is None else self.alpha) / rank


@dataclass(frozen=True)
class Lora:
    """An adapter as read, not yet held against a model.

    Args:
        folder: where it came from.
        tensors: ``<module>.lora_A.weight``, shape (rank, in), and ``<module>.lora_B.weight``, shape (out, rank).
        modules: module -> (rank, scale); the delta of a module's weight is scale * B A.
        config: what names the modules that it must adapt.
        block_modules: those that the blocks file names; with one, it decides which modules must be there.
    """

    folder: Path
    tensors: dict[str, Any]
    modules: dict[str, tuple[int, float]]
    config: AdapterConfig
    block_modules: frozenset[str] = frozenset()


def read_lora(folder: Path) -> Lora:
    """Read an adapter folder.

    Raises:
        AdapterError: a file is missing or broken, a pickled weight file, a feature that is not supported, a rank other
            than the config says, or a number that is not finite.
    """
    if not folder.is_dir():
        raise AdapterError(f"{folder}: no such adapter folder")
    if not (folder / WEIGHTS).is_file():
        others = ", ".join(sorted(path.name for path in folder.iterdir())) or "nothing"
        raise AdapterError(f"{folder}: {WEIGHTS} is missing (there: {others}); pickled weights are not read")
    config = _parse(AdapterConfig, _json(folder / CONFIG), folder / CONFIG)
    check_config(config, folder)
    has_blocks = (folder / BLOCKS).is_file()
    if config.mega_lora_blocks and not has_blocks:
        raise AdapterError(
            f"{folder}: {BLOCKS} is missing, and {CONFIG} says that the scales stand in it; copy it from where the "
            "adapter came from"
        )
    tensors = _tensors(folder / WEIGHTS)
    ranks = _ranks(tensors, folder)
    blocks = read_blocks(folder / BLOCKS) if has_blocks else {}
    try:
        _check_ranks({module: rank for module, rank in ranks.items() if module not in blocks}, config, has_blocks)
        modules = {
            module: (rank, 1.0 if module in blocks else _scale(config, module, rank)) for module, rank in ranks.items()
        }
        _fold(tensors, blocks)
    except AdapterError as error:
        raise AdapterError(f"{folder}: {error}") from error
    return Lora(folder, tensors, modules, config, frozenset(blocks))


def _json(path: Path) -> Any:
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise AdapterError(f"{path}: cannot be read as JSON ({shortened(one_line(error), 200)})") from error


def _parse(model: Any, data: Any, where: Path) -> Any:
    try:
        return model.model_validate(data)
    except ValidationError as error:
        raise AdapterError(f"{where}: {shortened(first_fault(error, 'content'), 300)}") from error


def _tensors(path: Path) -> dict[str, Any]:
    """The tensors by name, as float32; AdapterError for one with a number that is not finite."""
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    try:
        loaded = load_file(path)
    except (SafetensorError, OSError, ValueError, RuntimeError, KeyError, MemoryError) as error:
        raise AdapterError(f"{path}: cannot be read ({shortened(one_line(error), 200)})") from error
    tensors = {}
    for key, tensor in loaded.items():
        if not tensor.is_floating_point():
            raise AdapterError(f"{path}: {key} holds {tensor.dtype}; floating-point numbers are expected")
        tensors[key.removeprefix(PREFIX)] = tensor.float()
        if not tensors[key.removeprefix(PREFIX)].isfinite().all():
            raise AdapterError(f"{path}: {key} holds numbers that are not finite (NaN or infinity); train it again")
    if len(tensors) != len(loaded):
        raise AdapterError(f"{path}: a module's tensors stand under two names, with {PREFIX!r} and without")
    return tensors


def _ranks(tensors: dict[str, Any], folder: Path) -> dict[str, int]:
    """Rank by module that has an A and a B; AdapterError where they do not go together."""
    ranks = {}
    for key, tensor in tensors.items():
        module, ending, _ = key.partition(".lora_A.weight")
        if not ending:
            continue
        up = tensors.get(f"{module}.lora_B.weight")
        if up is None:  # reported as missing when the keys are held against the model
            continue
        if tensor.ndim < 2 or up.ndim < 2 or not tensor.numel() or up.shape[1] != len(tensor):
            shapes = f"A has shape {tuple(tensor.shape)} and B {tuple(up.shape)}"
            raise AdapterError(f"{folder}: {module}: {shapes}; (rank, in) and (out, rank) are expected")
        ranks[module] = len(tensor)
    return ranks


def _check_ranks(ranks: dict[str, int], config: AdapterConfig, has_blocks: bool) -> None:
    """AdapterError unless every module has the rank that the config's `r` and `rank_pattern` give it."""
    patterns = config.rank_pattern or {}
    wrong = []
    for module, rank in sorted(ranks.items()):
        key = pattern_key(list(patterns), module)
        stated = config.r if key is None else patterns[key]
        if rank != stated:
            wrong.append(f"{module} has rank {rank}, r or rank_pattern says {stated}")
    if wrong:
        why = "correct the config" if has_blocks else f"if the adapter had a file {BLOCKS}, copy it too"
        raise AdapterError(f"{len(wrong)} modules do not have the rank that {CONFIG} says ({wrong[0]}); {why}")


def _scale(config: AdapterConfig, module: str, rank: int) -> float:
    """alpha / rank (Hu et al. 2021), or alpha / sqrt(rank) for rsLoRA (Kalajdzievski 2023)."""
    patterns = config.alpha_pattern or {}
    key = pattern_key(list(patterns), module)
    alpha = config.lora_alpha if key is None else patterns[key]
    return _bounded(float(alpha / rank**0.5 if config.use_rslora else alpha / rank), module)


def _bounded(scale: float, module: str) -> float:
    if abs(scale) > MAX_SCALE:
        raise AdapterError(f"{module}: alpha / rank = {scale:g} is outside -{MAX_SCALE:g}..{MAX_SCALE:g}")
    return scale


def read_blocks(path: Path) -> dict[str, list[Block]]:
    """Blocks by module; they must tile the rank without gap or overlap, since a gap would drop rows in silence."""
    data = _json(path)
    if not isinstance(data, dict) or not all(isinstance(listed, list) and listed for listed in data.values()):
        raise AdapterError(f"{path}: an object of module name -> list of blocks is expected")
    blocks = {}
    for module, listed in data.items():
        own = sorted((_parse(Block, one, path) for one in listed), key=lambda block: block.start)
        for block, start in zip(own, [0, *(block.end for block in own)], strict=False):
            if block.start != start or block.end <= block.start:
                raise AdapterError(f"{path}: {module}: block {block.start}..{block.end} does not begin at {start}")
        blocks[module.removeprefix(PREFIX)] = own
    return blocks


def _fold(tensors: dict[str, Any], blocks: dict[str, list[Block]]) -> None:
    """Fold each block's alpha / rank into its columns of B, so that the concatenated LoRA has scale 1."""
    for module, own in blocks.items():
        tensor = tensors.get(f"{module}.lora_B.weight")
        if tensor is None:  # reported as missing when the keys are held against the model
            continue
        if tensor.shape[1] != own[-1].end:
            raise AdapterError(f"{module} has rank {tensor.shape[1]}, its blocks cover 0..{own[-1].end}")
        for block in own:
            tensor[:, block.start : block.end] *= _bounded(block.scale, f"{module}: block {block.start}..{block.end}")
        if not tensor.isfinite().all():
            raise AdapterError(f"{module}: B times alpha / rank is not finite")

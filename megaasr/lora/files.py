"""Reading LoRA folders: PEFT's own form, and the reference's, where several LoRAs lie side by side along the rank."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from megaasr_core.base.errors import AdapterError, one_line
from megaasr_core.base.validation import first_fault

WEIGHTS = "adapter_model.safetensors"
CONFIG = "adapter_config.json"
BLOCKS = "mega_lora_blocks.json"
PREFIX = "base_model.model."


class AdapterConfig(BaseModel):
    """What is read of PEFT's adapter_config.json; a feature that would change the result is refused, not ignored."""

    model_config = ConfigDict(extra="ignore")

    peft_type: str = "LORA"
    r: int = Field(gt=0)
    lora_alpha: float
    target_modules: str | list[str]
    exclude_modules: str | list[str] | None = None
    layers_to_transform: int | list[int] | None = None
    layers_pattern: str | list[str] | None = None
    rank_pattern: dict[str, int] = {}
    alpha_pattern: dict[str, float] = {}
    use_rslora: bool = False
    use_dora: bool = False
    bias: str = "none"
    modules_to_save: list[str] | None = None
    fan_in_fan_out: bool = False


class Block(BaseModel):
    """One LoRA of a block-merged adapter: rows start..end of A, columns start..end of B, scaled by alpha / rank.

    Where they are not given, rank is end - start and alpha is rank, as the reference reads them.
    """

    model_config = ConfigDict(extra="ignore")

    start: int = Field(ge=0)
    end: int
    rank: int | None = Field(None, gt=0)
    alpha: float | None = None

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
        AdapterError: a file is missing or broken, a pickled weight file, or a feature that is not supported.
    """
    if not folder.is_dir():
        raise AdapterError(f"{folder}: no such adapter folder")
    if not (folder / WEIGHTS).is_file():
        others = ", ".join(sorted(path.name for path in folder.iterdir())) or "nothing"
        raise AdapterError(f"{folder}: {WEIGHTS} is missing (there: {others}); pickled weights are not read")
    config = _parse(AdapterConfig, _json(folder / CONFIG), folder / CONFIG)
    _check_supported(config, folder)
    tensors = _tensors(folder / WEIGHTS)
    blocks = _read_blocks(folder / BLOCKS) if (folder / BLOCKS).is_file() else {}
    _fold(tensors, blocks, folder)
    ranks = _ranks(tensors)
    modules = {
        module: (rank, 1.0 if module in blocks else _scale(config, module, rank)) for module, rank in ranks.items()
    }
    return Lora(folder, tensors, modules, config, frozenset(blocks))


def _json(path: Path) -> Any:
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise AdapterError(f"{path}: cannot be read as JSON ({one_line(error)})") from error


def _parse(model: Any, data: Any, where: Path) -> Any:
    try:
        return model.model_validate(data)
    except ValidationError as error:
        raise AdapterError(f"{where}: {first_fault(error, 'content')}") from error


def _check_supported(config: AdapterConfig, folder: Path) -> None:
    refused = {
        f"peft_type {config.peft_type}": config.peft_type != "LORA",
        "DoRA (use_dora)": config.use_dora,
        f"bias {config.bias!r}": config.bias != "none",
        "modules_to_save": bool(config.modules_to_save),
        "fan_in_fan_out": config.fan_in_fan_out,
    }
    found = [feature for feature, present in refused.items() if present]
    if found:
        raise AdapterError(f"{folder}: not supported: {', '.join(found)}; export a plain LoRA")


def _tensors(path: Path) -> dict[str, Any]:
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    try:
        loaded = load_file(path)
    except (SafetensorError, OSError) as error:
        raise AdapterError(f"{path}: cannot be read ({one_line(error)})") from error
    return {key.removeprefix(PREFIX): tensor.float() for key, tensor in loaded.items()}


def _ranks(tensors: dict[str, Any]) -> dict[str, int]:
    """Rank by module, from the A matrices."""
    ending = ".lora_A.weight"
    return {key.removesuffix(ending): tensor.shape[0] for key, tensor in tensors.items() if key.endswith(ending)}


def _scale(config: AdapterConfig, module: str, rank: int) -> float:
    """alpha / rank (Hu et al. 2021), or alpha / sqrt(rank) for rsLoRA (Kalajdzievski 2023)."""
    from peft.utils.other import get_pattern_key

    alpha = config.alpha_pattern.get(get_pattern_key(list(config.alpha_pattern), module), config.lora_alpha)
    return float(alpha / rank**0.5 if config.use_rslora else alpha / rank)


def _read_blocks(path: Path) -> dict[str, list[Block]]:
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


def _fold(tensors: dict[str, Any], blocks: dict[str, list[Block]], folder: Path) -> None:
    """Fold each block's alpha / rank into its columns of B, so that the concatenated LoRA has scale 1."""
    for module, own in blocks.items():
        tensor = tensors.get(f"{module}.lora_B.weight")
        if tensor is None:  # reported as missing when the keys are held against the model
            continue
        if tensor.shape[1] != own[-1].end:
            raise AdapterError(f"{folder}: {module} has rank {tensor.shape[1]}, its blocks cover 0..{own[-1].end}")
        for block in own:
            tensor[:, block.start : block.end] *= block.scale

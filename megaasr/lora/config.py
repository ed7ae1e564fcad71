"""PEFT's adapter_config.json: what is understood is read, the rest is refused by name unless it has no effect."""

from __future__ import annotations

import dataclasses
import functools
from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field

from megaasr_core.base.errors import AdapterError, shortened

BLOCKS = "mega_lora_blocks.json"
MAX_RANK = 65_536
MAX_ALPHA = 1e6

Rank = Annotated[int, Field(gt=0, le=MAX_RANK)]
Alpha = Annotated[float, Field(ge=-MAX_ALPHA, le=MAX_ALPHA, allow_inf_nan=False)]

WITHOUT_EFFECT = frozenset(
    (
        *("task_type", "auto_mapping", "peft_version", "revision", "inference_mode", "runtime_config"),
        *("lora_dropout", "megatron_core", "qalora_group_size"),  # of training; of features that are refused
        *("loftq_config", "eva_config", "corda_config", "lora_ga_config"),  # read where init_lora_weights says so
    )
)
"""Fields of any value: they say nothing about what the adapted model computes."""

KEEPS_THE_BASE = ("gaussian", "orthogonal", "eva", "mica")
"""Values of init_lora_weights, beside true and false, under which PEFT leaves the base's weights as they are."""

CHANGES_THE_BASE = ("pissa", "olora", "corda", "loftq", "lora_ga")
"""Beginnings of those under which PEFT takes the adapter's first values off the base's weights, or quantises these."""

SPOKEN = {
    "use_dora": "DoRA (use_dora)",
    "alora_invocation_tokens": "aLoRA (alora_invocation_tokens)",
    "layer_replication": "layer replication (layer_replication)",
    "use_qalora": "QALoRA (use_qalora)",
    "use_bdlora": "BD-LoRA (use_bdlora)",
    "arrow_config": "Arrow (arrow_config)",
    "kasa_config": "KaSA (kasa_config)",
    "velora_config": "VeLoRA (velora_config)",
    "monteclora_config": "Monteclora (monteclora_config)",
    "megatron_config": "Megatron (megatron_config)",
}


class AdapterConfig(BaseModel):
    """What is understood of adapter_config.json, and in `model_extra` every other field; see `check_config`."""

    model_config = ConfigDict(extra="allow")

    peft_type: str = "LORA"
    base_model_name_or_path: str | None = None
    r: Rank
    lora_alpha: Alpha
    target_modules: str | list[str]
    exclude_modules: str | list[str] | None = None
    layers_to_transform: int | list[int] | None = None
    layers_pattern: str | list[str] | None = None
    rank_pattern: dict[str, Rank] | None = None
    alpha_pattern: dict[str, Alpha] | None = None
    use_rslora: bool = False
    init_lora_weights: bool | str | None = True
    bias: str | None = "none"
    mega_lora_blocks: str | None = Field(None, description="file that the scales of the LoRAs stand in")


def check_config(config: AdapterConfig, folder: Path) -> None:
    """AdapterError that names every feature which would change the result and is not understood."""
    found = [f"peft_type {config.peft_type}"] if config.peft_type != "LORA" else []
    if config.bias not in (None, "none"):
        found.append(f"bias {config.bias!r}")
    found += [
        SPOKEN.get(name, f"{name} = {shortened(repr(value), 60)}")
        for name, value in sorted((config.model_extra or {}).items())
        if name not in WITHOUT_EFFECT and not _is_off(name, value)
    ]
    start = config.init_lora_weights
    named = f"init_lora_weights {shortened(repr(start), 60)}"
    if isinstance(start, str) and start.lower().startswith(CHANGES_THE_BASE):
        raise AdapterError(
            f"{folder}: not supported: {', '.join([*found, named])}: it belongs to a base whose weights PEFT has "
            "changed; save it again with save_pretrained(path_initial_model_for_weight_conversion=...), which writes a "
            "plain LoRA, or merge it"
        )
    if isinstance(start, str) and start.lower() not in KEEPS_THE_BASE:
        found.append(named)
    if found:
        raise AdapterError(f"{folder}: not supported: {', '.join(found)}; export a plain LoRA")
    if isinstance(config.target_modules, str) and (config.layers_to_transform is not None or config.layers_pattern):
        raise AdapterError(f"{folder}: layers_to_transform and layers_pattern need a list of target_modules")
    if config.layers_pattern and config.layers_to_transform is None:
        raise AdapterError(f"{folder}: layers_pattern needs layers_to_transform")


def _is_off(name: str, value: Any) -> bool:
    """Whether a field says that its feature is not used: by PEFT's default, or by null, false, or nothing in it."""
    return value is None or value is False or value in ("", [], {}) or (name, value) in _defaults()


@functools.cache
def _defaults() -> Any:
    """(field, default) of the installed PEFT's LoraConfig."""
    from peft import LoraConfig

    return [(one.name, one.default) for one in dataclasses.fields(LoraConfig)]

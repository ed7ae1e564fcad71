"""LoRA adapters on a transformers model: mounted whole beside the base, or refused with every key accounted for."""

from __future__ import annotations

import re
import warnings
from typing import Any

from megaasr import AdapterError, AdapterReport, one_line

from .lora_files import Lora

SHOWN = 3
"""Keys named in an error; the rest are counted."""


def inject(model: Any, lora: Lora, name: str) -> AdapterReport:
    """Mount an adapter on a model as `name`, through PEFT.

    The base weights are not touched: PEFT adds ``scale * B A x`` to what a module returns.

    Args:
        model: a transformers PreTrainedModel, with or without other adapters.

    Raises:
        AdapterError: a tensor is missing, unexpected or misshapen; the model hears as it did before.
    """
    import torch

    modules = _base_modules(model)
    _check_keys(lora, _targeted(modules, lora))
    strangers = sorted(set(lora.modules) - set(modules))
    if strangers:
        raise AdapterError(
            f"{lora.folder}: the model has {_some(strangers, 'of these modules not')}; nothing is applied"
        )
    try:
        # PEFT wonders at a second adapter, which is just what is meant, and draws weights that are written over.
        with warnings.catch_warnings(), torch.random.fork_rng(devices=[]):
            warnings.filterwarnings("ignore", message="Already found a `peft_config` attribute", category=UserWarning)
            model.add_adapter(_peft_config(lora), adapter_name=name)
    except (ValueError, TypeError, RuntimeError) as error:
        raise AdapterError(f"{lora.folder}: PEFT cannot add it: {one_line(error)[:300]}") from error
    try:
        num_parameters = _copy(model, lora, name)
    except AdapterError:
        remove(model, name)
        raise
    return AdapterReport(name, len(lora.tensors), num_parameters, tuple(sorted(lora.modules)))


def remove(model: Any, name: str) -> None:
    """Take an adapter off the model."""
    with warnings.catch_warnings():  # PEFT says which adapter is active next; here each call says so itself
        warnings.filterwarnings("ignore", message="Adapter .* was active which is now deleted", category=UserWarning)
        model.delete_adapter(name)


def _base_modules(model: Any) -> list[str]:
    """Names of the model's own modules, without those that mounted adapters have put in."""
    from peft.tuners.tuners_utils import BaseTunerLayer

    names = []
    wrapped: list[str] = []
    for name, module in model.named_modules():
        if any(name.startswith(outer) for outer in wrapped):
            continue
        if isinstance(module, BaseTunerLayer):
            wrapped.append(f"{name}.")
        names.append(name)
    return names


def _targeted(modules: list[str], lora: Lora) -> set[str]:
    """The modules that the adapter says it adapts.

    The reference's published configuration targets ``.*``, which is no statement; there the blocks file is one.
    """
    from peft import LoraConfig
    from peft.tuners.tuners_utils import check_target_module_exists

    if lora.block_modules:
        return set(lora.block_modules)
    config = LoraConfig(
        target_modules=lora.config.target_modules,
        exclude_modules=lora.config.exclude_modules,
        layers_to_transform=lora.config.layers_to_transform,
        layers_pattern=lora.config.layers_pattern,
    )
    return {name for name in modules if check_target_module_exists(config, name)}


def _check_keys(lora: Lora, targeted: set[str]) -> None:
    expected = {f"{module}.lora_{half}.weight" for module in targeted for half in "AB"}
    missing = sorted(expected - set(lora.tensors))
    unexpected = sorted(set(lora.tensors) - expected)
    if missing or unexpected:
        raise AdapterError(
            f"{lora.folder}: {len(lora.tensors)} tensors do not fit the model, nothing is applied: "
            f"{_some(missing, 'missing')}, {_some(unexpected, 'unexpected')}"
        )
    if not expected:
        raise AdapterError(
            f"{lora.folder}: adapts no module of this model (target_modules: {lora.config.target_modules})"
        )


def _some(keys: list[str], what: str) -> str:
    if not keys:
        return f"0 {what}"
    more = f" and {len(keys) - SHOWN} more" if len(keys) > SHOWN else ""
    return f"{len(keys)} {what} ({', '.join(keys[:SHOWN])}{more})"


def _peft_config(lora: Lora) -> Any:
    """Each module by its full name, with its own rank; alpha is chosen so that alpha / rank is the module's scale."""
    from peft import LoraConfig

    return LoraConfig(
        r=1,
        lora_alpha=1,
        lora_dropout=0.0,
        target_modules=sorted(lora.modules),
        rank_pattern={f"^{re.escape(module)}$": rank for module, (rank, _) in lora.modules.items()},
        alpha_pattern={f"^{re.escape(module)}$": scale * rank for module, (rank, scale) in lora.modules.items()},
    )


def _copy(model: Any, lora: Lora, name: str) -> int:
    """Copy every tensor into its place and return how many numbers they hold."""
    import torch

    num_parameters = 0
    with torch.no_grad():
        for module, (_, scale) in lora.modules.items():
            layer = model.get_submodule(module)
            if abs(layer.scaling[name] - scale) > 1e-9 * abs(scale):
                raise AdapterError(f"{lora.folder}: {module} got scale {layer.scaling[name]} instead of {scale}")
            for half, part in (("A", layer.lora_A[name]), ("B", layer.lora_B[name])):
                key = f"{module}.lora_{half}.weight"
                tensor = lora.tensors[key]
                if part.weight.shape != tensor.shape:
                    found, due = tuple(tensor.shape), tuple(part.weight.shape)
                    raise AdapterError(
                        f"{lora.folder}: {key} has shape {found}, the model needs {due}; nothing is applied"
                    )
                part.weight.copy_(tensor)
                part.weight.requires_grad_(False)
                num_parameters += tensor.numel()
    return num_parameters

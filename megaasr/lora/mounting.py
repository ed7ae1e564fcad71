"""LoRA adapters on a torch network: mounted whole beside the base, or refused with every key accounted for."""

from __future__ import annotations

import re
import warnings
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

from megaasr_core.base.errors import AdapterError, one_line
from megaasr_core.contracts.backend import AdapterReport

from .config import BLOCKS
from .files import Lora
from .network_state import restored_on_error
from .targets import targeted_modules

SHOWN = 3
"""Keys named in an error; the rest are counted."""

KeyMap = Mapping[str, str] | Callable[[str], str]
"""The name of a module in the network -> its name in the adapter's file."""


def mount_lora(network: Any, lora: Lora, name: str, key_map: KeyMap | None = None) -> AdapterReport:
    """Put an adapter into a network as `name`, through PEFT; it takes part in blocks of `using_lora` only.

    The base weights are not touched: PEFT adds ``scale * B A x`` to what a module returns.

    Args:
        network: a torch module, with or without other adapters.
        lora: as `read_lora` read it.
        key_map: for an adapter whose file calls the modules otherwise than the network does: a function from the
            network's name of a module to the file's (``lambda name: f"thinker.{name}"``), or a mapping of the names
            that differ.

    Raises:
        AdapterError: the name is taken, or a tensor is missing, unexpected or misshapen; the network is as it was.
    """
    from peft import inject_adapter_in_model
    from torch.random import fork_rng

    if name in getattr(network, "peft_config", {}):
        raise AdapterError(f"adapter {name!r} is already mounted; unmount it first or choose another name")
    lora = _renamed(lora, network, key_map)
    trainable = {id(weight): weight.requires_grad for weight in network.parameters()}
    active = {id(layer): layer.active_adapters for _, layer in _layers(network)}
    with restored_on_error(network):
        try:
            # PEFT warns at a second adapter, which is intended here, and draws weights that are overwritten.
            with warnings.catch_warnings(), fork_rng(devices=[]):
                warnings.filterwarnings(
                    "ignore", message="Already found a `peft_config` attribute", category=UserWarning
                )
                inject_adapter_in_model(_peft_config(lora), network, name)
            num_parameters = _copy(network, lora, name)
        except (ValueError, TypeError, RuntimeError, LookupError, AttributeError, Warning) as error:
            raise AdapterError(f"{lora.folder}: PEFT cannot add it: {one_line(error)[:300]}") from error
        for weight in network.parameters():
            weight.requires_grad_(trainable.get(id(weight), False))
        for _, layer in _layers(network):
            layer._active_adapter = active.get(id(layer), [])
        return AdapterReport(name, len(lora.tensors), num_parameters, tuple(sorted(lora.modules)))


def unmount_lora(network: Any, name: str) -> None:
    """Take an adapter out of the network; a module that no adapter is left in is as it was before."""
    for path, layer in _layers(network):
        layer._active_adapter = [one for one in layer.active_adapters if one != name]  # PEFT activates no other then
        layer.delete_adapter(name)
        if not layer._all_available_adapter_names():
            parent, _, child = path.rpartition(".")
            setattr(network.get_submodule(parent), child, layer.get_base_layer())
    configs = getattr(network, "peft_config", {})
    configs.pop(name, None)
    if not configs and hasattr(network, "peft_config"):
        del network.peft_config


@contextmanager
def using_lora(network: Any, name: str | None, mounted: Collection[str]) -> Iterator[None]:
    """Let one adapter, or none, take part in what the network computes in this block.

    The former state is restored at the end, also after an exception. Adapters that are not `mounted`, such as one that
    is being trained, stay as they are.

    Args:
        name: of a mounted adapter; None: the base.
        mounted: names of all adapters that `mount_lora` put in.
    """
    layers = [layer for _, layer in _layers(network)] if mounted else []
    before = [layer.active_adapters for layer in layers]
    try:
        for layer, active in zip(layers, before, strict=True):
            others = [one for one in active if one not in mounted]
            layer._active_adapter = [*others, name] if name is not None else others
        yield
    finally:
        for layer, active in zip(layers, before, strict=True):
            layer._active_adapter = active


def _layers(network: Any) -> list[tuple[str, Any]]:
    """The modules that adapters are in, each with its path."""
    from peft.tuners.tuners_utils import BaseTunerLayer

    return [(path, module) for path, module in network.named_modules() if isinstance(module, BaseTunerLayer)]


def _renamed(lora: Lora, network: Any, key_map: KeyMap | None) -> Lora:
    """The adapter by the network's names of its modules; AdapterError when a key does not fit."""
    name_of = (key_map if callable(key_map) else lambda name: key_map.get(name, name)) if key_map else lambda name: name
    modules: dict[str, str] = {}
    for module in _base_modules(network):
        if (other := modules.setdefault(name_of(module), module)) != module:
            raise AdapterError(f"{lora.folder}: the key map gives {other} and {module} one name, {name_of(module)!r}")
    _check_keys(lora, targeted_modules(network, modules, lora))
    strangers = sorted(set(lora.modules) - set(modules))
    if strangers:
        raise AdapterError(
            f"{lora.folder}: the model has {_some(strangers, 'of these modules not')}; nothing is applied"
        )
    return replace(
        lora,
        tensors={
            f"{modules[module]}.lora_{half}.weight": lora.tensors[f"{module}.lora_{half}.weight"]
            for module in lora.modules
            for half in "AB"
        },
        modules={modules[module]: scale for module, scale in lora.modules.items()},
    )


def _base_modules(network: Any) -> list[str]:
    """Names of the network's own modules, without those that mounted adapters have put in."""
    wrapped = tuple(f"{path}." for path, _ in _layers(network))
    return [name for name, _ in network.named_modules() if not name.startswith(wrapped)]


def _check_keys(lora: Lora, targeted: set[str]) -> None:
    expected = {f"{module}.lora_{half}.weight" for module in targeted for half in "AB"}
    missing = sorted(expected - set(lora.tensors))
    unexpected = sorted(set(lora.tensors) - expected)
    if missing or unexpected:
        hint = (
            f"; {BLOCKS} is missing, perhaps" if lora.config.target_modules == ".*" and not lora.block_modules else ""
        )
        raise AdapterError(
            f"{lora.folder}: {len(lora.tensors)} tensors do not fit the model, nothing is applied: "
            f"{_some(missing, 'missing')}, {_some(unexpected, 'unexpected')}{hint}"
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
        target_modules="|".join(re.escape(module) for module in sorted(lora.modules)),  # none but these
        rank_pattern={f"^{re.escape(module)}$": rank for module, (rank, _) in lora.modules.items()},
        alpha_pattern={f"^{re.escape(module)}$": scale * rank for module, (rank, scale) in lora.modules.items()},
    )


def _copy(network: Any, lora: Lora, name: str) -> int:
    """Copy every tensor into its place and return how many numbers they hold."""
    import torch

    num_parameters = 0
    with torch.no_grad():
        for module, (_, scale) in lora.modules.items():
            layer = network.get_submodule(module)
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

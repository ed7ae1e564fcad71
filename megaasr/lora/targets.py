"""Which modules of a network an adapter says that it adapts."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from megaasr_core.base.errors import AdapterError, shortened

from .config import AdapterConfig
from .files import Lora
from .patterns import full_match

ALL_LINEAR = "all-linear"
_LAYERS = re.compile(r"[\w.]*")
_INDEX = r".*?\.[^.]*\.(?P<index>\d+)\."


def targeted_modules(network: Any, modules: Mapping[str, str], lora: Lora) -> set[str]:
    """The modules that the adapter says it adapts, by the names of its file, chosen as PEFT does.

    The reference's published configuration targets ``.*``, which is no statement; there the blocks file is one.

    Args:
        modules: name in the adapter's file -> name in the network.

    Raises:
        AdapterError: a pattern that cannot be matched.
    """
    if lora.block_modules:
        return set(lora.block_modules)
    config = lora.config
    try:
        if isinstance(config.target_modules, str) and config.target_modules.lower() == ALL_LINEAR:
            return {name for name in _linear(network, modules) if not _is_excluded(config, name)}
        return {name for name in modules if _is_named(config, name) and not _is_excluded(config, name)}
    except AdapterError as error:
        raise AdapterError(f"{lora.folder}: {error}") from error


def _linear(network: Any, modules: Mapping[str, str]) -> Iterable[str]:
    """The linear modules but the one that gives the output's logits."""
    from torch.nn import Linear

    last = network.get_output_embeddings() if hasattr(network, "get_output_embeddings") else None
    for name, own in modules.items():
        module = network.get_submodule(own)
        module = module.get_base_layer() if hasattr(module, "get_base_layer") else module
        if isinstance(module, Linear) and module is not last:
            yield name


def _is_excluded(config: AdapterConfig, name: str) -> bool:
    listed = config.exclude_modules
    if isinstance(listed, str):
        return bool(listed) and full_match(listed, name)
    return any(name == one or name.endswith(f".{one}") for one in listed or ())


def _is_named(config: AdapterConfig, name: str) -> bool:
    targets = config.target_modules
    if isinstance(targets, str):
        return full_match(targets, name)
    if name in targets:
        return True
    return any(name.endswith(f".{one}") for one in targets) and _is_in_layers(config, name)


def _is_in_layers(config: AdapterConfig, name: str) -> bool:
    """Whether the module is in one of `layers_to_transform`, all where there are none."""
    wanted = config.layers_to_transform
    if wanted is None or wanted == []:
        return True
    patterns = [config.layers_pattern] if isinstance(config.layers_pattern, str) else config.layers_pattern or []
    for pattern in patterns:
        if not _LAYERS.fullmatch(pattern):
            shown = shortened(repr(pattern), 60)
            raise AdapterError(f"layers_pattern {shown} is no plain name, such as 'layers'; name the modules instead")
    # A pattern "" counts as none, as PEFT has it.
    expressions = [rf"(?:^|.*?\.){one}\.(?P<index>\d+)\." for one in patterns] if any(patterns) else [_INDEX]
    found = next((match for one in expressions if (match := re.match(one, name))), None)
    return found is not None and int(found["index"]) in ([wanted] if isinstance(wanted, int) else wanted)

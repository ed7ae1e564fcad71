"""YAML as data: plain values, each name once, bounded; whatever else a file holds is refused in one line."""

from __future__ import annotations

import math
from collections.abc import Hashable
from pathlib import Path
from typing import Any

import yaml

from megaasr_core.base.errors import ManifestError, MegaasrError, one_line, shortened
from megaasr_core.base.files import read_text
from megaasr_core.base.jsonl import MOST_DIGITS, MOST_LEVELS

MOST_CHARACTERS = 2_000_000
MOST_VALUES = 100_000
"""Values of a file, those behind an alias counted each time."""


def read_yaml(path: Path) -> Any:
    """The value in a YAML file; ManifestError as `parse_yaml` and `read_text`."""
    return parse_yaml(read_text(path), path)


def parse_yaml(text: str, source: object, error: type[MegaasrError] = ManifestError) -> Any:
    """Plain data from YAML: null, truth values, finite numbers, texts, lists, and mappings with texts as names.

    Args:
        source: begins the message.
        error: what is raised.

    Raises:
        ManifestError: no YAML, several documents, a tag such as ``!!python/name``, a name that occurs twice, a date or
            another value that is none of the above, a number or a nesting beyond the bounds of `parse_json`, or aliases
            that stand for more than `MOST_VALUES` values; in one line.
    """
    if len(text) > MOST_CHARACTERS:
        raise error(f"{source}: {len(text)} characters are more than a configuration has ({MOST_CHARACTERS})")
    try:
        loader = _Loader(text)
        node = loader.get_single_node()
        if node is None:
            return None
        _count(node, {})
        value = loader.construct_document(node)
        _check(value)
    except RecursionError as fault:
        raise error(f"{source}: nested more than {MOST_LEVELS} levels deep") from fault
    except Exception as fault:  # PyYAML's constructors raise whatever int() or datetime() raise
        raise error(f"{source}: not YAML: {shortened(one_line(fault), 300)}") from fault
    return value


class _Loader(yaml.SafeLoader):
    """PyYAML's safe loader with each name once, and a bound on nesting."""

    def fetch_flow_collection_start(self, token: Any) -> None:
        if self.flow_level >= MOST_LEVELS:
            raise RecursionError
        super().fetch_flow_collection_start(token)

    def add_indent(self, column: int) -> bool:
        if len(self.indents) >= MOST_LEVELS:
            raise RecursionError
        return bool(super().add_indent(column))

    def construct_mapping(self, node: Any, deep: bool = False) -> dict[Hashable, Any]:
        names: set[str] = set()
        for key in [key.value for key, _ in node.value if isinstance(key, yaml.ScalarNode) and key.value != "<<"]:
            if key in names:
                raise ValueError(
                    f"{shortened(key, 40)!r} occurs twice in the mapping of line {node.start_mark.line + 1}"
                )
            names.add(key)
        return super().construct_mapping(node, deep)


def _count(node: Any, known: dict[int, int], level: int = 0) -> int:
    """Values below a node, an alias counted as what it stands for."""
    if level > MOST_LEVELS:
        raise RecursionError  # also for an alias inside what it stands for
    if id(node) not in known:
        inner = node.value if isinstance(node, yaml.CollectionNode) else []
        parts = [part for one in inner for part in (one if isinstance(one, tuple) else (one,))]
        known[id(node)] = 1 + sum(_count(part, known, level + 1) for part in parts)
    if known[id(node)] > MOST_VALUES:
        raise ValueError(f"holds more than {MOST_VALUES} values, those behind aliases counted each time")
    return known[id(node)]


def _check(value: Any) -> None:
    if isinstance(value, dict):
        for name, inner in value.items():
            if not isinstance(name, str):
                raise ValueError(f"the name {name!r} is no text; put it in quotes")
            _check(name)
            _check(inner)
    elif isinstance(value, list):
        for inner in value:
            _check(inner)
    elif isinstance(value, str):
        value.encode()  # half a surrogate pair could not be written again
        if "\0" in value:
            raise ValueError("a text holds a NUL character")
    elif isinstance(value, float):
        if not math.isfinite(value):
            raise ValueError(f"{value} is no finite number")
    elif isinstance(value, int):
        if value.bit_length() > MOST_DIGITS * math.log2(10):
            raise ValueError(f"a number has more than {MOST_DIGITS} digits")
    elif value is not None:
        raise ValueError(f"{shortened(str(value), 40)} is a {type(value).__name__}; put it in quotes")

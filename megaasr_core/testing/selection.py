"""Which plugins a text names: ``kind:name``, a pattern, a YAML file, or everything that a plugin file registers."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

from megaasr import read_reward, read_scenario

from ..base.errors import PluginError, unknown_name
from ..contracts.reward import Reward
from ..contracts.scenario import Scenario
from ..discovery.plugins import Plugins
from .plugin_under_test import Subject

YAML = (".yaml", ".yml")
FILE_KINDS: dict[type[Any], Callable[[Path, Plugins], Any]] = {
    Scenario: read_scenario,
    Reward: lambda path, plugins: read_reward(path, plugins.rewards),
}
"""The base class of each kind that can be written as a YAML file, and what reads it."""


def selected(spec: str, extra: Iterable[str], plugins: Plugins) -> list[Subject]:
    """The subjects that a text names, at least one.

    Args:
        spec: ``kind:name``; ``kind:pattern`` with ``*``, ``?`` or ``[...]``, where the kind may be a pattern too;
            ``scenario:FILE.yaml`` or ``reward:FILE.yaml``; empty: everything that the plugins of `extra` registered.

    Raises:
        PluginError: `spec` is not of that form, or selects nothing.
        MegaasrError: no such kind or name, or a YAML file that cannot be read.
    """
    if not spec:
        return everything_of(extra, plugins)
    kind, name = split_spec(spec)
    if name.endswith(YAML):
        return [_from_file(kind, name, plugins)]
    if not is_pattern(spec):
        return [find(spec, plugins)]
    kinds = [row.name for row in plugins.kinds if fnmatchcase(row.name, kind)] if is_pattern(kind) else [kind]
    matching = [
        Subject(one, each, registry[each], plugins)
        for one in kinds
        for registry in [plugins.registry(one)]
        for each in registry
        if fnmatchcase(each, name)
    ]
    if not matching:
        names = ", ".join(sorted(name for one in kinds for name in plugins.registry(one))) or "nothing is registered"
        raise PluginError(f"{spec!r} matches no plugin; there are: {names}")
    return matching


def everything_of(extra: Iterable[str], plugins: Plugins) -> list[Subject]:
    """What the plugin files, folders or modules of `extra` registered; PluginError when that is nothing."""
    targets = list(extra)
    if not targets:
        raise PluginError("nothing to check: name a plugin as KIND:NAME, or give a plugin file or module")
    rows = [row for row in plugins.rows() if row.owner.plugin in targets]
    matching = [
        Subject(row.kind, row.name, plugins.registry(row.kind)[row.name], plugins)
        for row in rows
        if row.kind in {kind.name for kind in plugins.kinds}
    ]
    if not matching:
        what = ", ".join(targets)
        raise PluginError(f"{what} registers nothing that can be checked; call register(...) in its hooks")
    return matching


def is_pattern(text: str) -> bool:
    """Whether the text has one of the characters of a pattern."""
    return any(character in text for character in "*?[")


def split_spec(spec: str) -> tuple[str, str]:
    """``kind:name`` in two.

    Raises:
        PluginError: it is not of that form.
    """
    kind, colon, name = spec.partition(":")
    if not (kind and colon and name):
        raise PluginError(f"{spec!r} names no plugin; write KIND:NAME, e.g. degradation:telephone")
    return kind, name


def find(spec: str, plugins: Plugins) -> Subject:
    """The subject that ``kind:name`` names.

    Raises:
        PluginError: `spec` is not of that form, or the name is missing while a plugin could not be loaded.
        UnknownNameError: no such kind or name.
    """
    kind, name = split_spec(spec)
    registry = plugins.registry(kind)
    if name not in registry:
        error = unknown_name(kind, name, registry)
        broken = [f"{row.owner}: {row.error}" for row in plugins.failures]
        shown = [line for line in broken if name in line] or broken[:1]  # its own failure, where that is why
        more = f" and {len(broken) - len(shown)} more, see `megaasr plugins`" if len(broken) > len(shown) else ""
        advice = f"not loaded: {'; '.join(shown)}{more}" if broken else "install its package or give its file"
        raise PluginError(f"{error}; {advice}")
    return Subject(kind, name, registry[name], plugins)


def _from_file(kind: str, name: str, plugins: Plugins) -> Subject:
    base = plugins.kind(kind).base
    if base not in FILE_KINDS:
        can = " and ".join(row.name for row in plugins.kinds if row.base in FILE_KINDS)
        raise PluginError(f"{kind}:{name}: a {kind} is not written as YAML; only {can} are")
    return Subject(kind, name, FILE_KINDS[base](Path(name), plugins), plugins)

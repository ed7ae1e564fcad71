"""Checks of a loaded plugin: the version of the plugin API that it asks for, and hooks that would never be called."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable
from difflib import get_close_matches
from typing import Any

from .. import __version__
from ..base.errors import PluginError
from .registry import COMMAND_PREFIX, Owner

PLUGIN_API = (1, 0)
"""(major, minor). Minor: names and hooks were added. Major: some were removed or changed after a deprecation."""
MARK = "megaasr_impl"
"""The attribute by which pluggy's marker tells a hook implementation (project name and ``_impl``)."""
PREFIX = "register_"


def check_api(plugin: object) -> None:
    """Compare ``PLUGIN_API = (major, minor)``, which a plugin module may define, with this version.

    Raises:
        PluginError: another major version, a newer minor version, or a value of another form.
    """
    asked = getattr(plugin, "PLUGIN_API", None)
    if asked is None:
        return
    if not (isinstance(asked, tuple) and len(asked) == 2 and all(type(part) is int for part in asked)):
        raise PluginError(f"PLUGIN_API = {asked!r}: a tuple (major, minor) is expected, e.g. {PLUGIN_API}")
    here = f"this is megaasr {__version__} with plugin API {PLUGIN_API[0]}.{PLUGIN_API[1]}"
    version = f"{asked[0]}.{asked[1]}"
    if asked[0] < PLUGIN_API[0]:
        raise PluginError(f"was written for plugin API {version}, {here}; install a newer release of the plugin")
    if asked > PLUGIN_API:
        raise PluginError(f"needs megaasr >= the release with plugin API {version}, {here}; upgrade megaasr")


def check_hooks(plugin: object, owner: Owner, known: Iterable[str]) -> None:
    """Every function of the plugin that is meant as a hook must be one.

    Args:
        plugin: the loaded module or object.
        known: names of all hooks, those of kinds that plugins declare included.

    Raises:
        PluginError: a hook of an unknown name, a function ``register_...`` without ``@hookimpl``, no hook at all, or
            commands behind an entry point that is not loaded at the start of the command line; with the remedy.
    """
    known = sorted(known)
    hooks = _functions(plugin)
    for name, function in hooks.items():
        marked = hasattr(function, MARK)
        near = next(iter(get_close_matches(name, known, n=1, cutoff=0.75)), "")
        if marked and name not in known:
            remedy = f"did you mean {near}?" if near else "the plugin was made for another version of megaasr"
            raise PluginError(
                f"has an @hookimpl function {name}, which is no hook: {remedy} (hooks: {', '.join(known)})"
            )
        if not marked and name in known:
            raise PluginError(f"its function {name} is not decorated with @hookimpl and would never be called; add it")
        if not marked and near:
            raise PluginError(
                f"its function {name} is no hook and would never be called: did you mean {near}, with @hookimpl? "
                "Give another name to a function that is not meant as a hook"
            )
    names = [name for name, function in hooks.items() if hasattr(function, MARK)]
    if not names:
        raise PluginError("has no @hookimpl function: nothing would be registered")
    is_entry_point = owner.distribution not in ("file", "module")
    if "register_commands" in names and is_entry_point and not owner.plugin.startswith(COMMAND_PREFIX):
        raise PluginError(
            f"its hook register_commands is not called at the start of the command line: begin the name of its entry "
            f"point with {COMMAND_PREFIX!r}, e.g. {COMMAND_PREFIX}{owner.plugin.rpartition('.')[2]}"
        )


def _functions(plugin: object) -> dict[str, Callable[..., Any]]:
    """Hook implementations, and the functions ``register_...`` that the plugin defines itself."""
    found = {}
    home = getattr(plugin, "__name__", None)
    for name in dir(plugin):
        thing = inspect.getattr_static(plugin, name)
        function = getattr(plugin, name) if callable(thing) or isinstance(thing, (staticmethod, classmethod)) else None
        if not callable(function) or inspect.isclass(function):
            continue
        own = not inspect.ismodule(plugin) or getattr(function, "__module__", None) == home
        if hasattr(function, MARK) or (own and name.startswith(PREFIX)):
            found[name] = function
    return found

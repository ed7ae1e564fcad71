"""Loading: plugins one by one, from entry points, the environment, and files, folders or modules that are named."""

from __future__ import annotations

import copyreg
import importlib
import importlib.util
from collections.abc import Callable, Iterable
from functools import lru_cache, partial
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any

from ..base.errors import PluginError, unknown_name
from ..contracts.calls import LOG
from .entry_points import DISABLED, ENVIRONMENT, GROUP, listed, ordered, owner_of
from .file_plugins import import_path, is_plugin_path, plugin_digest
from .plugins import PluginRow, Plugins
from .registry import COMMAND_PREFIX, Owner


def load_plugins(
    extra: Iterable[str] = (), *, strict: bool = False, disabled: Iterable[str] = (), commands: bool = False
) -> Plugins:
    """Load the installed entry points of group ``megaasr``, then MEGAASR_PLUGINS, then `extra`.

    megaasr's own entry points come first, then the others by distribution and name, so that a name belongs to megaasr
    or to the first plugin in that order, and the later plugin is refused.

    Args:
        extra: .py files, folders of a package, or modules.
        strict: raise on the first broken plugin instead of listing it.
        disabled: entry points, distributions, files or modules that are left out, besides those of MEGAASR_DISABLE.
        commands: load the entry points of commands too, to see whether they can be loaded.

    Raises:
        PluginError: one of `extra` is broken, or, when strict, any is.
        UnknownNameError: a name to disable that no plugin has.
    """
    plugins = Plugins()
    plugins.extra, plugins.switched_off = extra, disabled = tuple(extra), tuple(disabled)
    off = {*disabled, *listed(DISABLED)}
    names: set[str] = set()
    for point in ordered(entry_points(group=GROUP)):
        owner = owner_of(point)
        names |= {point.name, owner.distribution}
        if {point.name, owner.distribution} & off:
            plugins.disabled.append(PluginRow(point.name, "plugin", owner, disabled=True))
        elif commands or not point.name.startswith(COMMAND_PREFIX):
            _load_one(plugins, owner, point.load)
            if point.name.startswith(COMMAND_PREFIX):
                plugins.command_owners[point.name] = owner
    targets = {_identity(target): target for target in (*listed(ENVIRONMENT), *extra)}
    for identity, target in targets.items():
        names.add(target)
        if {target, identity, Path(target).stem} & off:
            names |= {target, identity, Path(target).stem}
            plugins.disabled.append(PluginRow(target, "plugin", Owner(target, "file", "-"), disabled=True))
        else:
            _load_one(plugins, _owner_of_target(target), partial(import_target, target))
    for name in sorted(off - names):
        raise unknown_name("plugin to disable", name, names)
    plugins.fill()
    for row in plugins.failures:
        if strict or row.owner.plugin in extra:
            raise PluginError(f"plugin {row.owner}: {row.error}")
    return plugins


def _reduced(plugins: Plugins) -> tuple[Any, ...]:
    """Plugins travel to another process as the names of what is loaded there again."""
    if plugins.extra is None:
        raise PluginError("plugins that load_plugins did not load cannot be sent to another process")
    return partial(load_plugins, plugins.extra, disabled=plugins.switched_off), ()


copyreg.pickle(Plugins, _reduced)


@lru_cache(maxsize=1)
def installed_plugins() -> Plugins:
    """The installed plugins, loaded once a process; for library use. A plugin that fails is a warning of the log."""
    plugins = load_plugins()
    for row in plugins.failures:
        LOG.warning("plugin %s is not loaded: %s", row.owner, row.error)
    return plugins


def import_target(target: str) -> object:
    """Import a plugin from a .py file, a folder, or by module name; PluginError when it is not there."""
    if is_plugin_path(target):
        return import_path(Path(target))
    try:
        return importlib.import_module(target)
    except ModuleNotFoundError as error:
        raise PluginError(f"no module {error.name!r}; give a .py file or an importable module") from error


def _load_one(plugins: Plugins, owner: Owner, load: Callable[[], object]) -> None:
    try:
        plugins.add(load(), owner)
    except (Exception, SystemExit) as error:
        plugins.fail(owner, error)


def _owner_of_target(target: str) -> Owner:
    distribution = "file" if is_plugin_path(target) else "module"
    try:
        path = Path(target).resolve() if distribution == "file" else _path_of_module(target)
        return Owner(target, distribution, "-", str(path), plugin_digest(path))
    except (Exception, SystemExit):  # reported when it is imported
        return Owner(target, distribution, "-")


def _path_of_module(name: str) -> Path:
    """The file of a module, or the folder of a package."""
    spec = importlib.util.find_spec(name)
    if spec is None or spec.origin is None:
        raise PluginError(f"no module {name!r}")
    path = Path(spec.origin).resolve()
    return path.parent if path.name == "__init__.py" else path


def _identity(target: str) -> str:
    """Equal for two ways of writing one file."""
    return str(Path(target).resolve()) if is_plugin_path(target) else target

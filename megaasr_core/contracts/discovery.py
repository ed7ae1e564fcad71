"""Discovery: plugins are loaded one by one, from entry points, the environment, and files or modules that are named."""

from __future__ import annotations

import importlib
import importlib.util
import os
import sys
from collections.abc import Callable, Iterable
from functools import lru_cache, partial
from hashlib import blake2b
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path

from ..base.errors import PluginError
from .plugins import Plugins
from .registry import Owner

GROUP = "megaasr"
COMMAND_PREFIX = "command."
ENVIRONMENT = "MEGAASR_PLUGINS"


def load_plugins(extra: Iterable[str] = (), *, strict: bool = False) -> Plugins:
    """Load the installed entry points of group ``megaasr``, then MEGAASR_PLUGINS, then `extra` (files or modules).

    Args:
        strict: raise on the first broken plugin instead of listing it.

    Raises:
        PluginError: one of `extra` is broken, or, when strict, any is.
    """
    plugins = Plugins()
    extra = tuple(extra)
    for point in sorted(entry_points(group=GROUP), key=lambda point: point.name):
        if not point.name.startswith(COMMAND_PREFIX):
            _load_one(plugins, owner_of(point), point.load)
    listed = [part for part in os.environ.get(ENVIRONMENT, "").split(os.pathsep) if part]
    once = {_identity(target): target for target in (*listed, *extra)}
    for target in once.values():
        owner = Owner(target, "file" if target.endswith(".py") else "module", "-")
        _load_one(plugins, owner, partial(import_target, target))
    plugins.fill()
    for row in plugins.failures:
        if strict or row.owner.plugin in extra:
            raise PluginError(f"plugin {row.owner}: {row.error}")
    return plugins


@lru_cache(maxsize=1)
def installed_plugins() -> Plugins:
    """What is installed, loaded once a process; for library use."""
    return load_plugins()


def _load_one(plugins: Plugins, owner: Owner, load: Callable[[], object]) -> None:
    try:
        plugins.add(load(), owner)
    except (Exception, SystemExit) as error:
        plugins.fail(owner, error)


def owner_of(point: EntryPoint) -> Owner:
    """The distribution that an entry point belongs to."""
    distribution = point.dist
    return Owner(point.name, distribution.name if distribution else "?", distribution.version if distribution else "?")


def _identity(target: str) -> str:
    """Equal for two ways of writing one file."""
    return str(Path(target).resolve()) if target.endswith(".py") else target


def import_target(target: str) -> object:
    """Import a plugin from a .py file or by module name; PluginError when it is not there."""
    if not target.endswith(".py"):
        try:
            return importlib.import_module(target)
        except ModuleNotFoundError as error:
            raise PluginError(f"no module {error.name!r}; give a .py file or an importable module") from error
    path = Path(target).resolve()
    if not path.is_file():
        raise PluginError(f"{target}: no such file")
    # With the path in it: two files may share a stem, and each must stay importable under its own name for pickling.
    name = f"megaasr_plugin_{path.stem}_{blake2b(str(path).encode(), digest_size=4).hexdigest()}"
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None:
        raise PluginError(f"{target}: cannot be imported")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module  # so that what it defines can be pickled
    try:
        spec.loader.exec_module(module)
    except BaseException:
        del sys.modules[name]
        raise
    return module

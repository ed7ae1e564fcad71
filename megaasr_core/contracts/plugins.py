"""Discovery: plugins are loaded one by one, and a broken one is a row in a list that stops nothing."""

from __future__ import annotations

import importlib
import importlib.util
import inspect
import os
import sys
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import lru_cache, partial
from hashlib import blake2b
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from typing import Any

import pluggy

from ..base.errors import MegaasrError, ParameterError, PluginError, one_line
from . import hookspecs
from .backend import Backend
from .degradation import Degradation
from .primitive import Primitive
from .registry import Owner, Registry
from .reward import Reward
from .router import Router
from .scenario import Scenario, merge
from .unit import Unit

GROUP = "megaasr"
COMMAND_PREFIX = "command."
ENVIRONMENT = "MEGAASR_PLUGINS"


@dataclass(frozen=True)
class PluginRow:
    """One line of ``megaasr plugins``.

    Args:
        name: of the registered thing, or of the plugin where it registered nothing.
        kind: primitive, degradation, scenario, reward, router, backend, command; ``plugin`` where it failed.
        owner: who brought it.
        error: why it is not there; empty where it is.
    """

    name: str
    kind: str
    owner: Owner
    error: str = ""


class Plugins:
    """Everything that is registered, by kind. Built by `load_plugins`; afterwards only read."""

    def __init__(self) -> None:
        self.primitives: Registry[type[Primitive]] = Registry("primitive")
        self.degradations: Registry[Degradation] = Registry("degradation")
        self.scenarios: Registry[Scenario] = Registry("scenario")
        self.rewards: Registry[type[Reward]] = Registry("reward")
        self.routers: Registry[type[Router]] = Registry("router")
        self.backends: Registry[type[Backend]] = Registry("backend")
        self.commands: list[tuple[str, Owner]] = []
        self.failures: list[PluginRow] = []
        self._manager = pluggy.PluginManager(hookspecs.PROJECT)
        self._manager.add_hookspecs(hookspecs)
        self._owners: dict[str, Owner] = {}

    @property
    def registries(self) -> tuple[Registry[Any], ...]:
        """All registries, in the order in which they are filled: later kinds refer to earlier ones."""
        return (self.primitives, self.degradations, self.scenarios, self.rewards, self.routers, self.backends)

    @property
    def stacking(self) -> dict[str, bool]:
        """Primitive name -> whether its steps stack when chains are merged."""
        return {name: self.primitives[name].stacks for name in self.primitives}

    def rows(self) -> list[PluginRow]:
        """Every registered thing and every failure."""
        rows = [PluginRow(name, one.kind, one.owner(name)) for one in self.registries for name in one]
        return rows + [PluginRow(name, "command", owner) for name, owner in self.commands] + self.failures

    def add(self, plugin: object, owner: Owner) -> None:
        """Take in one loaded plugin's hooks (pluggy checks their signatures); PluginError when they do not fit."""
        try:
            self._manager.register(plugin, owner.plugin)
        except (pluggy.PluginValidationError, ValueError) as error:
            raise PluginError(one_line(error)) from error
        self._owners[owner.plugin] = owner
        if not self._manager.get_hookcallers(plugin):
            raise PluginError("has no @hookimpl function: nothing would be registered")

    def fill(self) -> None:
        """Call every hook, plugin by plugin and kind by kind; what fails leaves nothing of its plugin behind."""
        for registry in self.registries:
            caller = getattr(self._manager.hook, f"register_{registry.kind}s")
            for implementation in caller.get_hookimpls():
                owner = self._owners[implementation.plugin_name]
                if any(row.owner == owner for row in self.failures):
                    continue
                try:
                    implementation.function(self._adder(registry, owner))
                except (Exception, SystemExit) as error:
                    self.fail(owner, error)
        self._check_references()

    def fail(self, owner: Owner, error: BaseException) -> None:
        """Record a failure and forget what its plugin had registered."""
        for registry in self.registries:
            registry.remove_owned(owner)
        text = one_line(error) if isinstance(error, MegaasrError) else f"{type(error).__name__}: {one_line(error)}"
        self.failures.append(PluginRow(owner.plugin, "plugin", owner, text))

    def _adder(self, registry: Registry[Any], owner: Owner) -> Callable[[Any], None]:
        expected = _EXPECTED[registry.kind]

        def register(thing: Any) -> None:
            if issubclass(expected, Unit):
                _check_unit(thing, expected)
            elif not isinstance(thing, expected):
                raise PluginError(f"register() takes a {expected.__name__}, not {thing!r}")
            registry.add(thing.name, thing, owner)

        return register

    def _check_references(self) -> None:
        """Every degradation must resolve at both ends of the severity, and every scenario must merge."""
        for name in list(self.degradations):
            if name not in self.degradations:  # went with its plugin already
                continue
            self._guard(self.degradations, name, partial(check_degradation, self.degradations[name], self))
        for name in list(self.scenarios):
            if name not in self.scenarios:
                continue
            check = partial(merge, self.scenarios[name], self.degradations, self.stacking)
            self._guard(self.scenarios, name, check)

    def _guard(self, registry: Registry[Any], name: str, check: Callable[[], object]) -> None:
        owner = registry.owner(name)
        try:
            check()
        except MegaasrError as error:
            self.fail(owner, error)


_EXPECTED: dict[str, type] = {
    "primitive": Primitive,
    "degradation": Degradation,
    "scenario": Scenario,
    "reward": Reward,
    "router": Router,
    "backend": Backend,
}


def _check_unit(thing: Any, expected: type[Unit]) -> None:
    if not (inspect.isclass(thing) and issubclass(thing, expected)):
        raise PluginError(f"register() takes a subclass of {expected.__name__}, not {thing!r}")
    if not isinstance(getattr(thing, "name", None), str) or not thing.name:
        raise PluginError(f"{thing.__name__} needs a class attribute `name`, a non-empty string")
    if inspect.isabstract(thing):
        missing = ", ".join(sorted(thing.__abstractmethods__))
        raise PluginError(f"{expected.__name__.lower()} {thing.name} does not define: {missing}")


def check_degradation(degradation: Degradation, plugins: Plugins) -> None:
    """Build every step at severity 0, 0.5 and 1, so that a bad number is known before it is drawn.

    Numbers that only `Primitive.draw` can supply (a noise clip) are left to planning.

    Raises:
        UnknownNameError, ParameterError: naming degradation, step, parameter, value and bound.
    """
    for step in degradation.chain:
        primitive = plugins.primitives[step.primitive]
        for severity in (0.0, 0.5, 1.0):
            try:
                primitive.create({**_drawn_later(primitive, step.parameters), **step.at(severity)})
            except ParameterError as error:
                raise ParameterError(
                    f"degradation {degradation.name}, step {step.label}, severity {severity:g}: {error}"
                ) from error


def _drawn_later(primitive: type[Primitive], given: Iterable[str]) -> dict[str, Any]:
    """Examples for required fields that the chain does not set, from the fields' own `examples`."""
    return {
        name: info.examples[0]
        for name, info in primitive.model_fields.items()
        if name not in given and info.is_required() and info.examples
    }


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
    for target in (*listed, *extra):
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

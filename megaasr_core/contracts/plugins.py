"""Everything that is registered; a plugin that breaks its contract is a row in a list and stops nothing."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial
from typing import Any

import pluggy

from ..base.errors import MegaasrError, ParameterError, PluginError, one_line
from . import hookspecs
from .backend import Backend
from .degradation import Degradation, Step
from .engine import Engine
from .primitive import Primitive
from .registry import Owner, Registry
from .reward import Reward
from .router import Router
from .scenario import Scenario, merge
from .trainer import Trainer
from .unit import Unit


@dataclass(frozen=True)
class PluginRow:
    """One line of ``megaasr plugins``.

    Args:
        name: of the registered thing, or of the plugin where it registered nothing.
        kind: primitive, degradation, scenario, reward, router, backend, engine, trainer, command; ``plugin`` where it
            failed.
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
        self.engines: Registry[type[Engine]] = Registry("engine")
        self.trainers: Registry[type[Trainer]] = Registry("trainer")
        self.commands: list[tuple[str, Owner]] = []
        self.failures: list[PluginRow] = []
        self._manager = pluggy.PluginManager(hookspecs.PROJECT)
        self._manager.add_hookspecs(hookspecs)
        self._owners: dict[str, Owner] = {}

    @property
    def registries(self) -> tuple[Registry[Any], ...]:
        """All registries, in the order in which they are filled: later kinds refer to earlier ones."""
        return (
            self.primitives,
            self.degradations,
            self.scenarios,
            self.rewards,
            self.routers,
            self.backends,
            self.engines,
            self.trainers,
        )

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
        except pluggy.PluginValidationError as error:
            raise PluginError(one_line(error)) from error
        except ValueError as error:  # pluggy lists every plugin it has
            raise PluginError("is loaded already; name it once") from error
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
            if not isinstance(thing.name, str) or not thing.name:
                raise PluginError(f"a {registry.kind} needs a name, a text that is not empty, not {thing.name!r}")
            if registry.kind == "degradation" and "+" in thing.name:
                raise PluginError(f"degradation {thing.name!r}: + joins the effects of a scenario; choose another name")
            registry.add(thing.name, thing, owner)

        return register

    def _check_references(self) -> None:
        """Every degradation must resolve at both ends of the severity, and every scenario must merge.

        A failure takes its plugin's other things along, which others may refer to: so until nothing fails any more.
        """
        failed = -1
        while failed != len(self.failures):
            failed = len(self.failures)
            for name in list(self.degradations):
                if name in self.degradations:  # may have gone with its plugin
                    chain = self.degradations[name].chain
                    self._guard(self.degradations, name, partial(check_steps, chain, self, f"degradation {name}"))
            for name in list(self.scenarios):
                if name in self.scenarios:
                    check = partial(merge, self.scenarios[name], self.degradations, self.stacking)
                    self._guard(self.scenarios, name, check)

    def _guard(self, registry: Registry[Any], name: str, check: Callable[[], object]) -> None:
        owner = registry.owner(name)
        try:
            check()
        except Exception as error:  # a plugin's own code runs here, a validator for one
            self.fail(owner, error)


_EXPECTED: dict[str, type] = {
    "primitive": Primitive,
    "degradation": Degradation,
    "scenario": Scenario,
    "reward": Reward,
    "router": Router,
    "backend": Backend,
    "engine": Engine,
    "trainer": Trainer,
}


def _check_unit(thing: Any, expected: type[Unit]) -> None:
    if not (inspect.isclass(thing) and issubclass(thing, expected)):
        raise PluginError(f"register() takes a subclass of {expected.__name__}, not {thing!r}")
    if not isinstance(getattr(thing, "name", None), str) or not thing.name:
        raise PluginError(f"{thing.__name__} needs a class attribute `name`, a non-empty string")
    if inspect.isabstract(thing):
        missing = ", ".join(sorted(thing.__abstractmethods__))
        raise PluginError(f"{expected.__name__.lower()} {thing.name} does not define: {missing}")


def check_steps(chain: Iterable[Step], plugins: Plugins, where: str) -> None:
    """Build every step at severity 0, 0.5 and 1, so that a bad number is known before it is drawn.

    Numbers that only `Primitive.draw` can supply (a noise clip) are left to planning.

    Args:
        where: begins the message, e.g. ``degradation far_field``.

    Raises:
        UnknownNameError, ParameterError: naming step, parameter, value and bound.
    """
    for step in chain:
        primitive = plugins.primitives[step.primitive]
        for severity in (0.0, 0.5, 1.0):
            try:
                primitive.create({**_drawn_later(primitive, step.parameters), **step.at(severity)})
            except ParameterError as error:
                raise ParameterError(f"{where}, step {step.label}, severity {severity:g}: {error}") from error


def _drawn_later(primitive: type[Primitive], given: Iterable[str]) -> dict[str, Any]:
    """Examples for required fields that the chain does not set, from the fields' own `examples`."""
    return {
        name: info.examples[0]
        for name, info in primitive.model_fields.items()
        if name not in given and info.is_required() and info.examples
    }

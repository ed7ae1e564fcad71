"""Everything that is registered; a plugin that breaks its contract is a row in a list and stops nothing."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any, cast

import pluggy

from ..base.errors import PluginError, one_line, unknown_name
from ..contracts.backend import Backend
from ..contracts.calls import LOG, described
from ..contracts.degradation import Degradation
from ..contracts.engine import Engine
from ..contracts.primitive import Primitive
from ..contracts.reader import Reader
from ..contracts.reward import Reward
from ..contracts.router import Router
from ..contracts.scenario import Scenario
from ..contracts.trainer import Trainer
from ..contracts.unit import Unit
from . import hookspecs
from .kinds import COMMAND_TEMPLATE, KINDS, Kind
from .plugin_checks import check_api, check_hooks
from .registry import COMMAND_PREFIX, Owner, Registry


@dataclass(frozen=True)
class PluginRow:
    """One line of ``megaasr plugins``.

    Args:
        name, kind, owner: of a registered thing or a command; of a plugin (kind ``plugin``) that failed or is disabled.
        error: reason for the failure; empty where there is none.
        disabled: whether the user disabled the plugin.
    """

    name: str
    kind: str
    owner: Owner
    error: str = ""
    disabled: bool = False


class Plugins:
    """Everything that is registered, by kind. Built by `load_plugins`; afterwards only read.

    Each kind has a registry under its plural name, e.g. ``plugins.rewards``; `registry` finds one by the kind's name.
    """

    primitives: Registry[type[Primitive]]
    degradations: Registry[Degradation]
    scenarios: Registry[Scenario]
    rewards: Registry[type[Reward]]
    routers: Registry[type[Router]]
    backends: Registry[type[Backend]]
    readers: Registry[type[Reader]]
    engines: Registry[type[Engine]]
    trainers: Registry[type[Trainer]]

    def __init__(self) -> None:
        self.kinds: list[Kind] = []
        self.extra: tuple[str, ...] | None = None
        self.switched_off: tuple[str, ...] = ()
        self.command_owners: dict[str, Owner] = {}
        self.failures: list[PluginRow] = []
        self.disabled: list[PluginRow] = []
        self._manager = pluggy.PluginManager(hookspecs.PROJECT)
        self._manager.add_hookspecs(hookspecs)
        self._loaded: dict[str, tuple[Owner, object]] = {}
        self._kind_owners: dict[str, Owner] = {}
        for kind in KINDS:
            self._add_kind(kind)

    @property
    def registries(self) -> tuple[Registry[Any], ...]:
        """All registries, in the order in which they are filled: later kinds refer to earlier ones."""
        return tuple(self.registry(kind.name) for kind in self.kinds)

    def kind(self, name: str) -> Kind:
        """The kind of that name; UnknownNameError suggests the nearest."""
        for kind in self.kinds:
            if kind.name == name:
                return kind
        raise unknown_name("kind of plugin", name, [kind.name for kind in self.kinds])

    def registry(self, kind: str) -> Registry[Any]:
        """The registry of a kind; UnknownNameError suggests the nearest kind."""
        return cast("Registry[Any]", getattr(self, self.kind(kind).plural))

    @property
    def stacking(self) -> dict[str, bool]:
        """Primitive name -> whether its steps stack when chains are merged."""
        return {name: self.primitives[name].stacks for name in self.primitives}

    @property
    def templates(self) -> dict[str, str]:
        """What ``megaasr new`` can write: kind, or ``command``, -> its template, as `Kind.template`."""
        return {kind.name: kind.template for kind in self.kinds if kind.template} | {"command": COMMAND_TEMPLATE}

    def loaded(self, owner: Owner) -> object:
        """The module or object whose hooks registered what `owner` owns."""
        return self._loaded[owner.plugin][1]

    @property
    def owners(self) -> tuple[Owner, ...]:
        """The loaded plugins, in the order of loading, those that failed left out."""
        failed = {row.owner for row in self.failures}
        return tuple(owner for owner, _ in self._loaded.values() if owner not in failed)

    def rows(self) -> list[PluginRow]:
        """Every registered thing, every failure and every disabled plugin."""
        rows = [PluginRow(name, one.kind, one.owner(name)) for one in self.registries for name in one]
        commands = {name: owner for name, owner in self.command_owners.items() if owner in self.owners}
        rows += [PluginRow(name.removeprefix(COMMAND_PREFIX), "command", owner) for name, owner in commands.items()]
        return rows + self.failures + self.disabled

    def add(self, plugin: object, owner: Owner) -> None:
        """Take in the hooks of one loaded plugin; PluginError when they cannot be called by this version."""
        check_api(plugin)
        try:
            self._manager.register(plugin, owner.plugin)
        except pluggy.PluginValidationError as error:
            raise PluginError(one_line(error)) from error
        except ValueError as error:  # pluggy lists every plugin it has
            raise PluginError("is loaded already; name it once") from error
        self._loaded[owner.plugin] = (owner, plugin)

    def fill(self) -> None:
        """Call every hook, kind by kind and plugin by plugin; what fails leaves nothing of its plugin behind."""
        self._call("register_kinds", lambda owner: partial(self._register_kind, owner))
        known = [kind.hook for kind in self.kinds] + ["register_kinds", "register_commands"]
        for owner, plugin in self._loaded.values():
            self._guarded(owner, partial(check_hooks, plugin, owner, known))
        for kind in self.kinds:
            self._call(kind.hook, partial(self._adder, kind))
        self._verify()

    def _call(self, hook: str, argument: Callable[[Owner], object]) -> None:
        """Call one hook of every plugin, in the order in which the plugins were loaded."""
        caller = getattr(self._manager.hook, hook, None)
        implementations = {one.plugin_name: one for one in caller.get_hookimpls()} if caller else {}
        for name, (owner, _) in self._loaded.items():
            if name in implementations:
                self._guarded(owner, partial(implementations[name].function, argument(owner)))

    def _guarded(self, owner: Owner, call: Callable[[], object]) -> None:
        """Run code of a plugin, unless the plugin has failed already; an exception is a row of `failures`."""
        if any(row.owner == owner for row in self.failures):
            return
        try:
            call()
        except (Exception, SystemExit) as error:
            self.fail(owner, error)

    def fail(self, owner: Owner, error: BaseException) -> None:
        """Record a failure and forget what its plugin had registered."""
        for registry in self.registries:
            registry.remove_owned(owner)
        self.kinds = [kind for kind in self.kinds if self._kind_owners.get(kind.name) != owner]
        LOG.debug("traceback of plugin %s", owner, exc_info=error)
        self.failures.append(PluginRow(owner.plugin, "plugin", owner, described(error)))

    def _add_kind(self, kind: Kind) -> None:
        setattr(self, kind.plural, Registry(kind.name))
        self.kinds = sorted([*self.kinds, kind], key=lambda one: one.order)
        try:
            self._manager.add_hookspecs(hookspecs.hook_of(kind))
        except pluggy.PluginValidationError as error:  # of a plugin that implements the hook with other arguments
            owner = next(owner for owner, plugin in self._loaded.values() if plugin is error.plugin)
            self.fail(owner, PluginError(one_line(error)))
            self._manager.unregister(error.plugin)

    def _register_kind(self, owner: Owner, kind: Any) -> None:
        if not isinstance(kind, Kind):
            raise PluginError(f"register() takes a Kind, not {kind!r}")
        if hasattr(self, kind.plural):
            by = self._kind_owners.get(kind.name, "the core of megaasr")
            raise PluginError(f"kind {kind.name!r} is already declared by {by}; rename yours")
        self._kind_owners[kind.name] = owner
        self._add_kind(kind)

    def _adder(self, kind: Kind, owner: Owner) -> Callable[[Any], None]:
        def register(thing: Any) -> None:
            if issubclass(kind.base, Unit):
                _check_unit(thing, kind.base)
            elif not isinstance(thing, kind.base):
                raise PluginError(f"register() takes a {kind.base.__name__}, not {thing!r}")
            if not isinstance(thing.name, str) or not thing.name:
                raise PluginError(f"a {kind.name} needs a name, a text that is not empty, not {thing.name!r}")
            self.registry(kind.name).add(thing.name, thing, owner)

        return register

    def _verify(self) -> None:
        """Verify each thing against the others, by its kind's `verify`.

        A failure takes its plugin's other things along, to which others may refer: repeat until nothing fails any more.
        """
        failed = -1
        while failed != len(self.failures):
            failed = len(self.failures)
            for verify, registry in [(kind.verify, self.registry(kind.name)) for kind in self.kinds if kind.verify]:
                for name in list(registry):
                    if name in registry:  # may have gone with its plugin
                        self._guarded(registry.owner(name), partial(verify, registry[name], self))


def _check_unit(thing: Any, expected: type[Unit]) -> None:
    twin = next((base for base in getattr(thing, "__mro__", ()) if base.__name__ == expected.__name__), None)
    if twin is not None and twin is not expected:
        raise PluginError(
            f"{thing.__name__}: its base {expected.__name__} is of {twin.__module__}, a second copy of the module; "
            f"write `from .{twin.__module__.rpartition('.')[2]} import {expected.__name__}`"
        )
    if not (inspect.isclass(thing) and issubclass(thing, expected)):
        raise PluginError(f"register() takes a subclass of {expected.__name__}, not {thing!r}")
    if not isinstance(getattr(thing, "name", None), str) or not thing.name:
        raise PluginError(f"{thing.__name__} needs a class attribute `name`, a non-empty string")
    if inspect.isabstract(thing):
        missing = ", ".join(sorted(thing.__abstractmethods__))
        raise PluginError(f"{expected.__name__.lower()} {thing.name} does not define: {missing}")

"""`Subject`: the plugin under test, and what the caller gave to test it with."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from os import environ
from pathlib import Path
from types import ModuleType
from typing import Any

from ..base.errors import MegaasrError, PluginError
from ..base.sound_bank import SoundBank
from ..contracts.backend import Backend
from ..contracts.reward import RewardSample
from ..contracts.unit import Unit
from ..discovery.entry_points import ENVIRONMENT
from ..discovery.hookspecs import hookimpl
from ..discovery.loading import load_plugins
from ..discovery.plugins import Plugins
from ..discovery.registry import Owner
from .signals import AnyBank


@dataclass(frozen=True)
class Subject:
    """One registered thing and its surroundings.

    Args:
        kind: name of its kind, e.g. ``primitive``.
        name: as it is registered; of a scenario or reward from a YAML file, the path.
        thing: the class of a unit, the object of another kind or from a file.
        plugins: the registry that it is in.
        parameters: of the unit; required ones that are not given come from the fields' `examples` (of a primitive,
            also from a degradation that uses it).
        banks: recorded sounds; by default a small synthetic bank under every name.
        samples: for rewards, scored in addition to the kit's own.
        backend: a constructed backend; by default one is created from `parameters`.
        adapter: folder of an adapter that the backend can mount; without one, mounting is not checked.
    """

    kind: str
    name: str
    thing: Any
    plugins: Plugins
    parameters: Mapping[str, Any] = field(default_factory=dict)
    banks: Mapping[str, SoundBank] = field(default_factory=AnyBank)
    samples: tuple[RewardSample, ...] = ()
    backend: Backend | None = None
    adapter: Path | None = None

    @cached_property
    def unit(self) -> Any:
        """The reward, router, backend, engine, trainer or reader itself, created once."""
        if self.backend is not None:
            return self.backend
        if not isinstance(self.thing, type):
            return self.thing
        return build(self.thing, with_examples(self.thing, self.parameters))


def with_examples(unit: type[Unit], parameters: Mapping[str, Any]) -> dict[str, Any]:
    """`parameters`, and for each required field that they lack the first of its `examples`."""
    return {**examples_of(unit), **parameters}


def examples_of(unit: type[Unit]) -> dict[str, Any]:
    """The first of the `examples` of every required field that has any."""
    fields = unit.model_fields.items()
    return {name: info.examples[0] for name, info in fields if info.is_required() and info.examples}


def build(unit: type[Unit], parameters: Mapping[str, Any]) -> Any:
    """An instance; AssertionError saying how to give example parameters when there can be none."""
    try:
        return unit.create(dict(parameters))
    except MegaasrError as error:
        raise AssertionError(
            f"cannot be built for the checks: {error}; give each required field Field(examples=[...]), "
            "or the checks parameters={...}"
        ) from error


def plugins_of(*things: Any) -> Plugins:
    """A registry of just these classes and objects, for what is not in a plugin file yet.

    Raises:
        PluginError: one of them cannot be registered.
    """
    module = ModuleType("things")
    plugins = Plugins()
    for thing in things:
        if not any(_is_of(thing, kind.base) for kind in plugins.kinds):
            bases = ", ".join(kind.base.__name__ for kind in plugins.kinds)
            raise PluginError(f"{thing!r} is of no kind of plugin; subclasses or instances are expected of: {bases}")
    for kind in plugins.kinds:
        chosen = [thing for thing in things if _is_of(thing, kind.base)]

        def register_all(register: Callable[[Any], None], chosen: list[Any] = chosen) -> None:
            for thing in chosen:
                register(thing)

        setattr(module, kind.hook, hookimpl(register_all))
    plugins.add(module, Owner("things", "file", "-"))
    plugins.fill()
    for row in plugins.failures:
        raise PluginError(row.error)
    return plugins


def _is_of(thing: Any, base: type[Any]) -> bool:
    return issubclass(thing, base) if isinstance(thing, type) else isinstance(thing, base)


def loaded(extra: Iterable[str | Path]) -> Plugins:
    """The installed plugins and `extra`, loaded once a process for equal arguments."""
    return _loaded(tuple(str(target) for target in extra), environ.get(ENVIRONMENT, ""))


@lru_cache(maxsize=8)
def _loaded(extra: tuple[str, ...], listed: str) -> Plugins:
    del listed  # part of the cache's key: load_plugins reads the environment variable itself
    return load_plugins(extra)

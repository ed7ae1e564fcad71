"""The hooks. A hook only registers; on the hot path there are plain objects and look-ups."""

from __future__ import annotations

from collections.abc import Callable
from types import ModuleType
from typing import TYPE_CHECKING, Any

import pluggy

if TYPE_CHECKING:
    import typer

    from .kinds import Kind

PROJECT = "megaasr"
hookspec = pluggy.HookspecMarker(PROJECT)
hookimpl = pluggy.HookimplMarker(PROJECT)


@hookspec
def register_kinds(register: Callable[[Kind], None]) -> None:
    """Call ``register(Kind(...))`` for each kind of plugin that this package declares."""


@hookspec
def register_commands(app: typer.Typer) -> None:
    """Add commands to ``megaasr``; the entry point's name begins with ``command.``, since only those load at start."""


def hook_of(kind: Kind) -> ModuleType:
    """A namespace with the hook of a kind, ``register_NAMEs(register)``, for pluggy."""

    def specification(register: Callable[[Any], None]) -> None: ...

    specification.__name__ = kind.hook
    specification.__doc__ = f"Register plugins of kind {kind.name}. {kind.summary}"
    hooks = ModuleType("hook of a kind")
    setattr(hooks, kind.hook, hookspec(specification))
    return hooks

"""The hooks: one line a kind. A hook only registers; on the hot path there are plain objects and look-ups."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import pluggy

from .backend import Backend
from .degradation import Degradation
from .engine import Engine
from .primitive import Primitive
from .reward import Reward
from .router import Router
from .scenario import Scenario
from .trainer import Trainer

if TYPE_CHECKING:
    import typer

PROJECT = "megaasr"
hookspec = pluggy.HookspecMarker(PROJECT)
hookimpl = pluggy.HookimplMarker(PROJECT)


@hookspec
def register_primitives(register: Callable[[type[Primitive]], None]) -> None:
    """Call ``register(MyPrimitive)`` for each signal-level operator."""


@hookspec
def register_degradations(register: Callable[[Degradation], None]) -> None:
    """Call ``register(my_degradation)`` for each acoustic condition."""


@hookspec
def register_scenarios(register: Callable[[Scenario], None]) -> None:
    """Call ``register(my_scenario)`` for each composition of conditions."""


@hookspec
def register_rewards(register: Callable[[type[Reward]], None]) -> None:
    """Call ``register(MyReward)`` for each reward term."""


@hookspec
def register_routers(register: Callable[[type[Router]], None]) -> None:
    """Call ``register(MyRouter)`` for each routing policy."""


@hookspec
def register_backends(register: Callable[[type[Backend]], None]) -> None:
    """Call ``register(MyBackend)`` for each recogniser."""


@hookspec
def register_engines(register: Callable[[type[Engine]], None]) -> None:
    """Call ``register(MyEngine)`` for each way of doing one task for many items."""


@hookspec
def register_trainers(register: Callable[[type[Trainer]], None]) -> None:
    """Call ``register(MyTrainer)`` for each training recipe."""


@hookspec
def register_commands(app: typer.Typer) -> None:
    """Add commands to ``megaasr``; the entry point's name begins with ``command.``, since only those load at start."""

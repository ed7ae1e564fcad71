"""The tasks that the checks of an engine have run: at the top of a module, so that they can be pickled."""

from __future__ import annotations

import os
import signal
from dataclasses import dataclass
from pathlib import Path
from typing import Any

IN_CALLER = "a task that ends its process was run in the calling process"


@dataclass(frozen=True)
class Multiply:
    """A task with a setting."""

    factor: Any

    def __call__(self, item: Any) -> Any:
        """The product."""
        return self.factor * item


def raise_on_odd(item: int) -> int:
    """A task that fails now and then."""
    if item % 2:
        raise ValueError(f"{item} is\nodd")
    return item


def process_id(item: int) -> tuple[int, int]:
    """A task that tells where it is run."""
    return item, os.getpid()


def die(caller: int) -> None:
    """Kill this process, unless it is the caller of the engine, whose pytest run would be gone."""
    if os.getpid() == caller:
        raise RuntimeError(IN_CALLER)
    os.kill(os.getpid(), signal.SIGKILL)


@dataclass(frozen=True)
class DieOnFive:
    """A task that kills its worker at one item."""

    caller: int

    def __call__(self, item: int) -> int:
        """The item, unless the worker dies."""
        if item == 5:
            die(self.caller)
        return item


def return_a_function(item: int) -> Any:
    """A task whose result cannot be pickled for one item."""
    return (lambda: item) if item == 3 else item


@dataclass(frozen=True)
class DieOnce:
    """A task whose workers die the first time they see item 5; it counts the times in a folder."""

    folder: Path
    caller: int

    def __call__(self, item: int) -> int:
        """The item, unless the worker dies."""
        first = self.folder / "died"
        if item == 5 and not first.exists():
            first.touch()
            die(self.caller)
        return item


unpicklable = lambda item: item  # noqa: E731  # its own name is <lambda>, under which no pickler finds it

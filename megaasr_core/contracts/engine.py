"""`Engine`: does one task for many items, on the cores of this machine or of many."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import ClassVar, Generic, TypeVar

from pydantic import Field

from .unit import Unit

Item = TypeVar("Item")
Value = TypeVar("Value")

ATTEMPTS = 3
"""How many times an item is started in all if its worker dies each time; then it counts as failed."""


@dataclass(frozen=True)
class Outcome(Generic[Item, Value]):
    """What became of one item.

    Args:
        item: as it was given.
        value: what the task returned; None where it failed.
        error: None, or one line that says why it failed.
    """

    item: Item
    value: Value | None = None
    error: str | None = None


class Engine(Unit):
    """Runs a task over items in worker processes.

    What comes out does not depend on the engine, on the number of workers or on their speed, as long as the task's
    result depends on its item alone. Only the order of the outcomes is free.
    """

    kind: ClassVar[str] = "engine"

    workers: int | None = Field(None, ge=1, le=4_096, description="processes at work; if not given, one for each core")

    @abstractmethod
    def run(self, task: Callable[[Item], Value], items: Iterable[Item]) -> Iterator[Outcome[Item, Value]]:
        """Do the task for every item; outcomes come as they are ready, one an item.

        Items are taken from the iterable as workers become free, so that any number of them needs the memory of a few.
        A task that raises is an outcome with an error. A worker that dies (killed, out of memory) is replaced, and its
        item is begun again, `ATTEMPTS` times in all; then it is an outcome with an error. Neither touches the other
        items. When the caller stops early, or is interrupted, the workers are ended at once; they do not outlive it.

        Args:
            task: can be pickled: a function at the top of a module, or an instance of a class at the top of one.
            items: can be pickled, as must be what the task returns.

        Raises:
            PluginError: workers cannot be started at all.
        """

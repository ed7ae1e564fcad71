"""What a kind of cases is: it writes the files of a case into a folder and says which calls to judge."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import ClassVar

from .oracle import Judge


@dataclass(frozen=True)
class Case:
    """One case, whose files lie in its folder.

    Args:
        note: what was done to the valid input.
        run: the calls.
        command: the `megaasr` command that takes the same input, for a person, to be run in the folder.
        written: what the calls may write in the folder.
    """

    note: str
    run: Callable[[Judge], None]
    command: str
    written: tuple[str, ...] = ()


class Kind:
    """Makes cases; a child process creates it once.

    Args:
        home: folder for what all cases share, such as a valid model.
    """

    name: ClassVar[str]

    def __init__(self, home: Path) -> None:
        self.home = home

    def make(self, rng: Random, folder: Path) -> Case:
        """Write the files of one case, drawn from `rng` alone, into an empty folder."""
        raise NotImplementedError


def generator(seed: int, kind: str, number: int) -> Random:
    """The generator of one case: any case can be made without the others."""
    return Random(f"{seed} {kind} {number}")

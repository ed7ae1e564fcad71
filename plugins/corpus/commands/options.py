"""The options of every corpus command that works in parallel, and the engine that they make."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from megaasr.commands import say

if TYPE_CHECKING:
    from megaasr import Engine, Plugins

MOST_LINES = 100
"""Failures that are said one by one; all of them are in the file."""

EngineOption = Annotated[str, typer.Option(help="Who does the work: a name of `megaasr plugins --kind engine`.")]
EngineSetOption = Annotated[
    list[str] | None, typer.Option("--engine-set", metavar="NAME=VALUE", help="A setting of the engine. Repeatable.")
]
WorkersOption = Annotated[int | None, typer.Option(min=1, help="Processes; one for each core if left out.")]


def open_engine(plugins: Plugins, engine: str, engine_set: list[str] | None, workers: int | None) -> Engine:
    """Build the engine that the options describe; every mistake is a MegaasrError of one line."""
    from megaasr.commands import parse_settings

    settings = parse_settings(engine_set)
    if workers is not None:
        settings["workers"] = workers
    return plugins.engines[engine].create(settings)


def say_each(lines: Iterable[str], file: Path) -> int:
    """Say each failure on a line of its own, the first `MOST_LINES` of them; how many there are."""
    count = 0
    for line in lines:
        count += 1
        if count <= MOST_LINES:
            say(f"megaasr: {line}")
    if count > MOST_LINES:
        say(f"megaasr: and {count - MOST_LINES} more, in {file}")
    return count

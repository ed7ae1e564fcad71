"""Command-line options of the corpus commands that work in parallel, and the engine that the options describe."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from megaasr.commands import parse_settings, say

if TYPE_CHECKING:
    from megaasr import Engine, Plugins

MOST_LINES = 100
"""Maximum number of failures that are printed; the file lists all of them."""

EngineOption = Annotated[str, typer.Option(help="Execution engine, a name of `megaasr plugins --kind engine`.")]
EngineSetOption = Annotated[
    list[str] | None, typer.Option("--engine-set", metavar="NAME=VALUE", help="A setting of the engine. Repeatable.")
]
WorkersOption = Annotated[int | None, typer.Option(min=1, help="Number of processes; one per core by default.")]


def open_engine(plugins: Plugins, engine: str, engine_set: list[str] | None, workers: int | None) -> Engine:
    """Build the engine that the options describe; MegaasrError with a one-line message for a wrong option."""
    settings = parse_settings(engine_set)
    if workers is not None:
        settings["workers"] = workers
    return plugins.engines[engine].create(settings)


def say_each(lines: Iterable[str], file: Path) -> int:
    """Print the first `MOST_LINES` failures, one per line; return the number of failures."""
    count = 0
    for line in lines:
        count += 1
        if count <= MOST_LINES:
            say(f"megaasr: {line}")
    if count > MOST_LINES:
        say(f"megaasr: and {count - MOST_LINES} more, in {file}")
    return count

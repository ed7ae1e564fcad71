"""What every command shares: plugin options, loading with a warning for each broken plugin, reports, exit codes."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from contextlib import suppress
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from ..discovery.plugins import Plugins

EXIT_SOME_FAILED = 1
"""Some rows of a batch failed; the others are done."""
EXIT_USER_ERROR = 2
"""The call cannot be carried out as given; nothing was written."""
EXIT_INTERRUPTED = 130
"""Ctrl-C, as shells report it."""

PluginOption = Annotated[
    list[str] | None,
    typer.Option(
        "--plugin", metavar="FILE_OR_MODULE", help="Load one more plugin: a .py file or a module. Repeatable."
    ),
]
StrictOption = Annotated[bool, typer.Option("--strict-plugins", help="A broken plugin is an error, not a warning.")]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON.")]


def open_plugins(extra: Iterable[str] | None, strict: bool, *, warn: bool = True, commands: bool = False) -> Plugins:
    """Load the plugins; each broken one is a line on stderr."""
    from ..discovery.loading import load_plugins

    plugins = load_plugins(extra or (), strict=strict, commands=commands)
    if warn:
        for row in plugins.failures:
            say(f"megaasr: warning: plugin {row.owner} is not loaded: {row.error}")
    return plugins


def say(line: str) -> None:
    """One line for people, on stderr, so that stdout stays data; lost where the terminal has gone."""
    with suppress(OSError):
        sys.stderr.write(line + "\n")

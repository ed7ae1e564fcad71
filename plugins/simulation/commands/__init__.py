"""Commands of the simulation: `megaasr degrade` and `megaasr scenarios`."""

from __future__ import annotations

import typer

from megaasr import hookimpl

from .degrade import degrade
from .scenarios import scenarios


@hookimpl
def register_commands(app: typer.Typer) -> None:
    app.command()(degrade)
    app.command()(scenarios)

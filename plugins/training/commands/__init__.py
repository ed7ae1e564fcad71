"""The command `megaasr train`."""

from __future__ import annotations

import typer

from megaasr import hookimpl

from .train import train


@hookimpl
def register_commands(app: typer.Typer) -> None:
    app.command()(train)

"""The command `megaasr transcribe`."""

from __future__ import annotations

import typer

from megaasr import hookimpl

from .transcribe import transcribe


@hookimpl
def register_commands(app: typer.Typer) -> None:
    app.command()(transcribe)

"""Commands of the evaluation package: `megaasr eval` and `megaasr compare`."""

from __future__ import annotations

import typer

from megaasr import hookimpl

from .compare import compare
from .evaluate import evaluate


@hookimpl
def register_commands(app: typer.Typer) -> None:
    app.command(name="eval")(evaluate)
    app.command()(compare)

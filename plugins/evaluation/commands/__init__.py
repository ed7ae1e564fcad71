"""Commands of the evaluation package: `megaasr reward`, `megaasr eval` and `megaasr compare`."""

from __future__ import annotations

import typer

from megaasr import hookimpl

from .compare import compare
from .evaluate import evaluate
from .reward import reward


@hookimpl
def register_commands(app: typer.Typer) -> None:
    app.command()(reward)
    app.command(name="eval")(evaluate)
    app.command()(compare)

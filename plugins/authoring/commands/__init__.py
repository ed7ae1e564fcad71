"""Commands for plugin authors: `megaasr new`, `doctor`, `docs` and `plugins show`."""

from __future__ import annotations

import typer

from megaasr import hookimpl

from .docs import docs
from .doctor import doctor
from .new import new
from .show import show


@hookimpl
def register_commands(app: typer.Typer) -> None:
    app.command()(new)
    app.command()(doctor)
    app.command()(docs)
    plugins = typer.Typer()
    plugins.command()(show)
    app.add_typer(plugins, name="plugins")

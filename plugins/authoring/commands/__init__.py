"""Commands for plugin authors: `megaasr new` and `megaasr doctor`."""

from __future__ import annotations

import typer

from megaasr import hookimpl

from .doctor import doctor
from .new import new


@hookimpl
def register_commands(app: typer.Typer) -> None:
    app.command()(new)
    app.command()(doctor)

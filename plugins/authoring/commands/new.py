"""`megaasr new`: the package of a plugin of one's own."""

from __future__ import annotations

import sys
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from megaasr.commands import StrictOption, open_plugins


class Kind(StrEnum):
    """What can be written."""

    PRIMITIVE = "primitive"
    DEGRADATION = "degradation"
    REWARD = "reward"
    ROUTER = "router"


def new(
    kind: Annotated[Kind, typer.Argument(help="What the plugin is.")],
    name: Annotated[str, typer.Argument(help="Its name: lower-case letters, digits and _.")],
    directory: Annotated[Path, typer.Option("--directory", "-d", help="Where the package's folder goes.")] = Path(),
    strict: StrictOption = False,
) -> None:
    """Write a package for a plugin of your own: module, test, README, pyproject.toml. It passes its checks as it is.

    Example: megaasr new degradation telephone --directory plugins
    """
    from ..new_package import new_package

    package = new_package(kind.value, name, directory, open_plugins(None, strict))
    sys.stdout.write(
        f"edit:    {package.module}\n"
        f"install: pip install -e {package.folder}\n"
        f"check:   pytest {package.folder}   (not installed: "
        f"pytest --megaasr {kind.value}:{name} --megaasr-plugin {package.module})\n"
    )

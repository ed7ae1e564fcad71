"""`megaasr new`: a plugin of one's own, as a package or as one file."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from megaasr.commands import PluginOption, StrictOption, open_plugins


def new(
    kind: Annotated[str, typer.Argument(help="What the plugin is: a kind of `megaasr plugins`, or command.")],
    name: Annotated[str, typer.Argument(help="Its name: lower-case letters, digits and _.")],
    directory: Annotated[Path, typer.Option("--directory", "-d", help="Where the folder or the file goes.")] = Path(),
    single_file: Annotated[bool, typer.Option("--single-file", help="Write one .py file, for --plugin.")] = False,
    plugin: PluginOption = None,
    strict: StrictOption = False,
) -> None:
    """Write a plugin of your own, which passes its checks as it is: a package, or with --single-file one module.

    A package is a module, tests, README and pyproject.toml. Kinds that plugins declare can be written too.

    Example: megaasr new degradation telephone --directory plugins
    """
    from ..new_package import new_file, new_package

    plugins = open_plugins(plugin, strict)
    written = (new_file if single_file else new_package)(kind, name, directory, plugins)
    given = "".join(f" --megaasr-plugin {target}" for target in plugin or ())
    by_file = f"pytest --megaasr {kind}:{name}{given} --megaasr-plugin {written.module}"
    is_kind = any(row.name == kind for row in plugins.kinds)
    sys.stdout.write(f"edit:    {written.module}\n")
    if single_file:
        sys.stdout.write(f"use:     --plugin {written.module} with any command, or MEGAASR_PLUGINS={written.module}\n")
        sys.stdout.write(f"check:   {by_file}\n")
    else:
        sys.stdout.write(f"install: pip install -e {written.folder}\n")
        more = f"   (not installed: {by_file})" if is_kind else ""
        sys.stdout.write(f"check:   pytest {written.folder}{more}\n")

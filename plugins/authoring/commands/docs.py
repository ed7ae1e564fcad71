"""`megaasr docs`: a reference, and pages with pictures and sounds, of third-party plugins."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from megaasr.commands import EXIT_SOME_FAILED, PluginOption, StrictOption, open_plugins, say


def docs(
    out: Annotated[Path, typer.Option("--out", "-o", metavar="FOLDER", help="Where the documentation goes.")],
    plugin: PluginOption = None,
    distribution: Annotated[
        list[str] | None, typer.Option(metavar="NAME", help="An installed package to document. Repeatable.")
    ] = None,
    speech: Annotated[Path | None, typer.Option(help="Recording to degrade; by default synthetic syllables.")] = None,
    bank: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME=PATH", help="Recorded sounds, e.g. noise=noises/. By default synthetic. Repeatable."
        ),
    ] = None,
    strict_plugins: StrictOption = False,
) -> None:
    """Write the documentation of plugins: a reference of all kinds, and for conditions pages, spectrograms and sounds.

    --plugin and --distribution select the plugins to document; the default is every plugin that is not part of megaasr.
    A condition that cannot be rendered is reported and left out; the exit code is then 1.

    Example: megaasr docs --plugin telephone.py -o docs/
    """
    from ..chosen import third_party
    from ..site import parse_banks, write_site

    plugins = open_plugins(plugin, strict_plugins)
    chosen = third_party(plugins, plugin or (), distribution or ())
    report = write_site(out, chosen, speech, parse_banks(bank or ()))
    for line in report.failed:
        say(f"megaasr: failed: {line}")
    sys.stdout.write(f"{out}: {', '.join(report.files)}\n")
    if report.failed:
        raise typer.Exit(EXIT_SOME_FAILED)

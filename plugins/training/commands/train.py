"""`megaasr train`: a trainer and its configuration in, weights and a report out."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Annotated

import typer

from megaasr.commands import JsonOption, PluginOption, StrictOption, open_plugins, parse_settings


def train(
    trainer: Annotated[str, typer.Argument(metavar="NAME", help="A name of `megaasr plugins --kind trainer`.")],
    config: Annotated[Path, typer.Argument(metavar="CONFIG.yaml", help="The trainer's fields.")],
    out: Annotated[Path | None, typer.Option("--out", "-o", metavar="FOLDER", help="Where everything goes.")] = None,
    settings: Annotated[
        list[str] | None, typer.Option("--set", metavar="FIELD=VALUE", help="Set a field instead of the file's value.")
    ] = None,
    engine: Annotated[
        str | None, typer.Option(help="For trainers that spread work: a name of `megaasr plugins --kind engine`.")
    ] = None,
    inspect: Annotated[
        int | None,
        typer.Option(min=1, metavar="N", help="Train nothing; show the first N groups that the trainer works on."),
    ] = None,
    as_json: JsonOption = False,
    plugin: PluginOption = None,
    strict_plugins: StrictOption = False,
) -> None:
    """Train by a trainer's configuration, and report what came of it.

    A run that was killed goes on where it stopped when it is started again.

    Example: megaasr train router router.yaml --out runs/router

    Example: megaasr train rl rl.yaml --inspect 3
    """
    from megaasr import ParameterError, TrainContext

    from .run_trainer import open_trainer, show_groups, train_in

    plugins = open_plugins(plugin, strict_plugins)
    chosen = open_trainer(plugins, trainer, config, parse_settings(settings))
    workers = plugins.engines[engine].create() if engine else None
    if inspect is not None:
        show_groups(chosen, inspect, TrainContext(plugins, workers), as_json)
        return
    if out is None:
        raise ParameterError("--out FOLDER is missing: a training writes everything there")
    found = train_in(chosen, out, TrainContext(plugins, workers))
    if as_json:
        sys.stdout.write(json.dumps(found, ensure_ascii=False, indent=1) + "\n")
        return
    for name, value in found.items():
        sys.stdout.write(f"{name}: {json.dumps(value, ensure_ascii=False)}\n")

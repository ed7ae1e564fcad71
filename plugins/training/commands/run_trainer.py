"""`megaasr train`: from a name and a configuration file to a trainer, and from that to a report."""

from __future__ import annotations

import inspect
import json
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import typer

from megaasr import (
    InspectableTrainer,
    ManifestError,
    OutputError,
    ParameterError,
    Plugins,
    TrainContext,
    Trainer,
    one_line,
    read_yaml,
)


def open_trainer(plugins: Plugins, name: str, config: Path, changes: Mapping[str, Any] | None = None) -> Trainer:
    """The trainer that a configuration describes.

    Args:
        config: YAML, an object of the trainer's fields; `changes` go before what it says.

    Raises:
        UnknownNameError: no such trainer.
        ManifestError: the file cannot be read, or is no YAML object.
        ParameterError: a field that is unknown or out of bounds.
    """
    unit = plugins.trainers[name]
    fields = read_yaml(config)
    if not isinstance(fields, dict):
        raise ManifestError(f"{config}: an object of the trainer's fields is expected")
    return unit.create({**fields, **(changes or {})})


def train_in(trainer: Trainer, out: Path, context: TrainContext) -> dict[str, Any]:
    """Train below the folder `out`, which is made if need be; what the trainer reports.

    Trainers of plugin API 1.0 whose `train` takes no context still work in this minor release.

    Raises:
        OutputError: the folder cannot be made.
        MegaasrError: as `Trainer.train` says.
    """
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(f"cannot make folder {out}: {error.strerror or one_line(error)}") from error
    train: Any = trainer.train
    if _takes_context(train):
        report: dict[str, Any] = train(out, context)
        return report
    message = f"trainer {trainer.name}: train(self, out) is deprecated; write train(self, out, context)"
    warnings.warn(message, DeprecationWarning, stacklevel=2)
    context.log.warning(message)
    report = train(out)
    return report


def show_groups(trainer: Trainer, count: int, context: TrainContext, as_json: bool) -> None:
    """Print what a training works on: lines, in colour on a terminal, or one JSON object a line.

    Raises:
        ParameterError: a trainer that cannot show it.
    """
    if not isinstance(trainer, InspectableTrainer):
        raise ParameterError(f"trainer {trainer.name} has nothing to inspect; leave --inspect out")
    for found in trainer.inspect(count, context):
        typer.echo(json.dumps(found, ensure_ascii=False) if as_json else "\n".join([*trainer.lines_of(found), ""]))


def _takes_context(train: Any) -> bool:
    try:
        inspect.signature(train).bind(Path(), None)
    except TypeError:
        return False
    return True

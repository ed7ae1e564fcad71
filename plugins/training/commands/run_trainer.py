"""`megaasr train`: from a name and a configuration file to a trainer, and from that to a report."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from megaasr import ManifestError, OutputError, Plugins, Trainer, one_line, read_text


def open_trainer(plugins: Plugins, name: str, config: Path, changes: Mapping[str, Any] | None = None) -> Trainer:
    """The trainer that a configuration describes.

    Args:
        config: YAML, an object of the trainer's fields; `changes` go before what it says.

    Raises:
        UnknownNameError: no such trainer.
        ManifestError: the file cannot be read, or is no YAML object.
        ParameterError: a field that is unknown or out of bounds.
    """
    import yaml

    unit = plugins.trainers[name]
    try:
        fields = yaml.safe_load(read_text(config))
    except yaml.YAMLError as error:
        raise ManifestError(f"{config}: not YAML: {one_line(error)}") from error
    if not isinstance(fields, dict):
        raise ManifestError(f"{config}: an object of the trainer's fields is expected")
    return unit.create({**fields, **(changes or {})})


def train_in(trainer: Trainer, out: Path) -> dict[str, Any]:
    """Train below the folder `out`, which is made if need be; what the trainer reports.

    Raises:
        OutputError: the folder cannot be made.
        MegaasrError: as `Trainer.train` says.
    """
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(f"cannot make folder {out}: {error.strerror or one_line(error)}") from error
    return trainer.train(out)

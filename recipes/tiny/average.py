"""Average the adapters of trainings that ran side by side, and choose the scale of the mean on the part choose.

    python -m recipes.tiny.average sft.yaml --run sft/run-1 --run sft/run-2 --out sft

Each training uses one core: two of them side by side take three quarters of the time of one after the other.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer
import yaml

from megaasr import ParameterError, installed_plugins
from megaasr_plugins.training.finish import average

from . import command


def configurations(settings: dict[str, Any]) -> list[dict[str, Any]]:
    """The configuration of each run of a configuration of ``train sft``: its seed, at full scale."""
    seed = settings.get("seed", 0)
    return [{**settings, "runs": 1, "seed": seed + number, "scales": [1.0]} for number in range(settings["runs"])]


def main(
    config: Annotated[Path, typer.Argument(help="Configuration of all runs together.")],
    run: Annotated[list[Path], typer.Option(help="Folder of a finished run. Repeatable.")],
    out: Annotated[Path, typer.Option(help="Folder of adapter/ and report.json.")],
) -> None:
    """Write the mean of the adapters of finished runs."""
    plugins = installed_plugins()
    settings = plugins.trainers["sft"].create(yaml.safe_load(config.read_text(encoding="utf-8")))
    if len(run) != settings.runs:
        raise ParameterError(f"{config} has runs {settings.runs}, and {len(run)} are given by --run")
    found = average(settings, run, out, plugins)
    command.say(f"{out}: scale {found['scale']:g}, mean of WER / base's WER {found['relative_wer']:.3f}")


if __name__ == "__main__":
    command.run(main)

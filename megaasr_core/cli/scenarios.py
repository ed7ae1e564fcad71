"""`megaasr scenarios`: what can be composed, and of which chains."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Annotated

import typer

from .context import JsonOption, PluginOption, StrictOption, open_plugins


def scenarios(
    file: Annotated[
        list[Path] | None, typer.Option(help="Also list (and check) this YAML scenario. Repeatable.")
    ] = None,
    as_json: JsonOption = False,
    plugin: PluginOption = None,
    strict_plugins: StrictOption = False,
) -> None:
    """List the scenarios with their merged chains of primitives.

    Example: megaasr scenarios --json | jq length
    """
    from ..contracts.scenario import merge
    from ..flows.scenario_files import read_scenario

    plugins = open_plugins(plugin, strict_plugins)
    listed = [plugins.scenarios[name] for name in plugins.scenarios]
    listed += [read_scenario(path, plugins) for path in file or ()]
    listed.sort(key=lambda scenario: (len(scenario.effects), scenario.name))
    rows = [
        {
            "name": scenario.name,
            "effects": list(scenario.effects),
            "chain": [step.label for _, step in merge(scenario, plugins.degradations, plugins.stacking)],
            "description": scenario.description,
        }
        for scenario in listed
    ]
    if as_json:
        sys.stdout.write(json.dumps(rows, ensure_ascii=False, indent=1) + "\n")
        return
    width = max((len(scenario.name) for scenario in listed), default=0)
    for row in rows:
        sys.stdout.write(f"{row['name']:<{width}}  {' -> '.join(row['chain'])}\n")

"""`megaasr scenarios`: what can be composed, and of which chains."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Annotated

import typer

from megaasr.commands import JsonOption, PluginOption, StrictOption, open_plugins


def scenarios(
    file: Annotated[
        list[Path] | None, typer.Option(help="Also list (and check) this YAML scenario. Repeatable.")
    ] = None,
    as_json: JsonOption = False,
    plugin: PluginOption = None,
    strict_plugins: StrictOption = False,
) -> None:
    """List the scenarios with their merged chains of primitives, and the steps that merging drops.

    Example: megaasr scenarios --json | jq length
    """
    from megaasr import merge, read_scenario

    plugins = open_plugins(plugin, strict_plugins)
    listed = [plugins.scenarios[name] for name in plugins.scenarios]
    listed += [read_scenario(path, plugins) for path in file or ()]
    listed.sort(key=lambda scenario: (len(scenario.effects), scenario.name))
    merged = [merge(scenario, plugins.degradations, plugins.stacking) for scenario in listed]
    if as_json:
        rows = [
            {
                "name": scenario.name,
                "effects": list(scenario.effects),
                "chain": [step.label for _, step in chain],
                "dropped": [step.model_dump() for step in dropped],
                "description": scenario.description,
            }
            for scenario, (chain, dropped) in zip(listed, merged, strict=True)
        ]
        sys.stdout.write(json.dumps(rows, ensure_ascii=False, indent=1) + "\n")
        return
    width = max((len(scenario.name) for scenario in listed), default=0)
    for scenario, (chain, dropped) in zip(listed, merged, strict=True):
        left_out = ", ".join(f"{step.step} of {step.effect}" for step in dropped)
        line = " -> ".join(step.label for _, step in chain) + (f"  (dropped: {left_out})" if left_out else "")
        sys.stdout.write(f"{scenario.name:<{width}}  {line}\n")

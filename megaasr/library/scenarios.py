"""A scenario by whatever a user calls it: a registered name, ``effect+effect``, or a YAML file of their own."""

from __future__ import annotations

from pathlib import Path

from megaasr_core.contracts.scenario import Scenario, merge
from megaasr_core.discovery.plugins import Plugins
from megaasr_core.flows.scenario_files import read_scenario


def find_scenario(name: str, plugins: Plugins) -> Scenario:
    """The registered scenario of that name, or the composition that ``effect+effect`` spells out, walked in that order.

    Raises:
        UnknownNameError: a name that is neither scenario nor effect.
        ScenarioError: two anchors, or an effect twice.
    """
    name = "+".join(part.strip() for part in name.split("+"))
    if name in plugins.scenarios or ("+" not in name and name not in plugins.degradations):
        return plugins.scenarios[name]
    scenario = Scenario(name, tuple(name.split("+")))
    merge(scenario, plugins.degradations, plugins.stacking)
    return scenario


def open_scenario(name: str, plugins: Plugins) -> Scenario:
    """The scenario that the text names: a path ending in .yaml or .yml, else a name or a composition."""
    if name.endswith((".yaml", ".yml")):
        return read_scenario(Path(name), plugins)
    return find_scenario(name, plugins)

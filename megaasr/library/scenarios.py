"""A scenario by whatever a user calls it: a registered name, ``effect+effect``, or a YAML file of their own."""

from __future__ import annotations

from pathlib import Path

from megaasr_core.base.errors import ScenarioError
from megaasr_core.base.files import read_text
from megaasr_core.contracts.scenario import Scenario, merge, scenario_from
from megaasr_core.discovery.plugins import Plugins
from megaasr_core.discovery.verification import check_steps

from .naming import naming


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


def read_scenario(path: Path, plugins: Plugins) -> Scenario:
    """Read and check a scenario file.

    Raises:
        ManifestError: it cannot be read.
        ScenarioError, UnknownNameError: it is no YAML, a field is wrong, or the scenario cannot be composed.
        ParameterError: an override outside its primitive's bounds.
    """
    from .yaml_files import parse_yaml

    with naming(path):
        return _checked(scenario_from(parse_yaml(read_text(path), path, ScenarioError), path), path, plugins)


def _checked(scenario: Scenario, path: Path, plugins: Plugins) -> Scenario:
    if plugins.scenarios.get(scenario.name, scenario) != scenario:
        owner = plugins.scenarios.owner(scenario.name)
        raise ScenarioError(f"{path}: the name {scenario.name!r} is that of a scenario of {owner}; choose another name")
    chain = merge(scenario, plugins.degradations, plugins.stacking).chain
    check_steps((step for _, step in chain), plugins, f"{path}: scenario {scenario.name}")
    return scenario

"""Scenarios of YAML files."""

from __future__ import annotations

from pathlib import Path

from ..base.errors import ScenarioError, one_line
from ..base.files import read_text
from ..contracts.scenario import Scenario, merge, scenario_from
from ..discovery.plugins import Plugins
from ..discovery.verification import check_steps


def read_scenario(path: Path, plugins: Plugins) -> Scenario:
    """Read and check a scenario file.

    Raises:
        ManifestError: it cannot be read.
        ScenarioError, UnknownNameError: it is no YAML, a field is wrong, or the scenario cannot be composed.
        ParameterError: an override outside its primitive's bounds.
    """
    import yaml

    try:
        data = yaml.safe_load(read_text(path))
    except yaml.YAMLError as error:
        raise ScenarioError(f"{path}: not YAML: {one_line(error)}") from error
    scenario = scenario_from(data, path)
    if plugins.scenarios.get(scenario.name, scenario) != scenario:
        owner = plugins.scenarios.owner(scenario.name)
        raise ScenarioError(f"{path}: the name {scenario.name!r} is that of a scenario of {owner}; choose another name")
    chain = merge(scenario, plugins.degradations, plugins.stacking).chain
    check_steps((step for _, step in chain), plugins, f"{path}: scenario {scenario.name}")
    return scenario

"""The scenarios of a corpus by whatever a user calls them: all, names, YAML files, or a list in a file."""

from __future__ import annotations

from pathlib import Path

from megaasr import ALL_SCENARIOS, Plugins, Scenario, ScenarioError, open_scenario, read_text


def open_scenarios(named: str, plugins: Plugins) -> tuple[Scenario, ...]:
    """What each part of ``NAME,NAME...`` names: a scenario, a composition, a .yaml file, a file of those, or ``all``.

    ``all`` means the scenarios that megaasr itself registers, whatever else is installed. In a file of names, one
    stands on each line; empty lines and those that begin with # are passed over.

    Raises:
        ScenarioError: nothing is named, a scenario cannot be composed, or megaasr's own, which ``all`` means, are
            disabled.
        UnknownNameError: no such scenario. ManifestError: a file that cannot be read.
    """
    names: list[str] = []
    for part in filter(None, (part.strip() for part in named.split(","))):
        is_list = not part.endswith((".yaml", ".yml")) and part not in plugins.scenarios and Path(part).is_file()
        lines = read_text(Path(part)).split("\n") if is_list else [part]
        names += [line.strip() for line in lines if line.strip() and not line.lstrip().startswith("#")]
    if not names:
        raise ScenarioError(f"{named!r}: names no scenario; give all, a name of `megaasr scenarios`, or a file")
    scenarios: list[Scenario] = []
    for name in names:
        if name != ALL_SCENARIOS:
            scenarios.append(open_scenario(name, plugins))
            continue
        in_tree = plugins.scenarios.in_tree
        if not in_tree:
            raise ScenarioError(f"{name!r}: megaasr's own scenarios are not loaded, see `megaasr plugins`; name others")
        scenarios += [plugins.scenarios[own] for own in in_tree]
    return tuple(scenarios)

"""The scenarios of a corpus by whatever a user calls them: all, names, YAML files, or a list in a file."""

from __future__ import annotations

from pathlib import Path

from megaasr import Plugins, Scenario, ScenarioError, open_scenario, read_text

ALL = "all"


def open_scenarios(named: str, plugins: Plugins) -> tuple[Scenario, ...]:
    """``all``, or what each part of ``NAME,NAME...`` names: a scenario, a composition, a .yaml file, a file of those.

    In a file of names, one stands on each line; empty lines and those that begin with # are passed over.

    Raises:
        ScenarioError: nothing is named, or a scenario cannot be composed.
        UnknownNameError: no such scenario. ManifestError: a file that cannot be read.
    """
    if named == ALL:
        return tuple(plugins.scenarios[name] for name in plugins.scenarios)
    names: list[str] = []
    for part in filter(None, (part.strip() for part in named.split(","))):
        is_list = not part.endswith((".yaml", ".yml")) and part not in plugins.scenarios and Path(part).is_file()
        lines = read_text(Path(part)).split("\n") if is_list else [part]
        names += [line.strip() for line in lines if line.strip() and not line.lstrip().startswith("#")]
    if not names:
        raise ScenarioError(f"{named!r}: names no scenario; give all, a name of `megaasr scenarios`, or a file")
    return tuple(open_scenario(name, plugins) for name in names)

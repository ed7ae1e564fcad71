"""What `megaasr plugins show` and the reference say of conditions: their chains, in numbers."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from ..contracts.degradation import Step
from ..contracts.scenario import merge
from ..discovery.plugins import Plugins


def degradation(name: str, plugins: Plugins) -> dict[str, Any]:
    """The role of a degradation, and its chain at severity 0 and 1."""
    thing = plugins.degradations[name]
    return {"role": str(thing.role), "chain": _rows((("", step) for step in thing.chain), plugins)}


def scenario(name: str, plugins: Plugins) -> dict[str, Any]:
    """The effects of a scenario, and its merged chain at severity 0 and 1."""
    thing = plugins.scenarios[name]
    chain, dropped = merge(thing, plugins.degradations, plugins.stacking)
    return {
        "effects": list(thing.effects),
        "steps": [step.label for _, step in chain],
        "dropped": [f"{step.step} of {step.effect}" for step in dropped],
        "chain": _rows(chain, plugins),
    }


def _rows(chain: Iterable[tuple[str, Step]], plugins: Plugins) -> list[dict[str, Any]]:
    """One row a parameter; a step without any has one row."""
    rows = []
    for place, (effect, step) in enumerate(chain, start=1):
        where = {"place": place, "effect": effect, "step": step.label, "primitive": step.primitive}
        where = {title: value for title, value in where.items() if value}
        easy, hard = (step.at(severity, plugins.primitives[step.primitive]) for severity in (0.0, 1.0))
        rows += [
            {**where, "parameter": name, "severity 0": easy[name], "severity 1": hard[name]} for name in step.parameters
        ] or [{**where, "parameter": "", "severity 0": "", "severity 1": ""}]
    return rows

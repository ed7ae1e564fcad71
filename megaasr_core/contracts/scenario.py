"""`Scenario`: a list of degradations, and the rule by which their chains become one (Mega-ASR)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from ..base.errors import ScenarioError, unknown_name
from ..base.severity import Choice, Range
from ..base.validation import first_fault
from .degradation import Degradation, Number, Role, Step

Overrides = Mapping[str, Mapping[str, Mapping[str, Number]]]
"""effect -> step label -> parameter -> number."""


@dataclass(frozen=True)
class Scenario:
    """A composition as data.

    Args:
        name: as the command line and reports call it.
        effects: degradation names, in the order in which they are walked.
        description: one line for people.
        overrides: numbers that differ from the degradations' own.
    """

    name: str
    effects: tuple[str, ...]
    description: str = field(default="", compare=False)
    overrides: Overrides = field(default_factory=dict)


class ScenarioFile(BaseModel):
    """What a user's YAML file may hold."""

    model_config = ConfigDict(extra="forbid")

    name: str = Field(pattern=r"^[A-Za-z0-9_.+-]+$", description="letters, digits and _ . + -")
    effects: list[str] = Field(min_length=1)
    description: str = ""
    overrides: dict[str, dict[str, dict[str, Any]]] = {}


def scenario_from(data: object, source: object) -> Scenario:
    """Build a scenario from parsed YAML; a two-number list is a range from easy to hard.

    Raises:
        ScenarioError: a missing or unknown field, or a number that is none; in one line that names `source`.
    """
    try:
        parsed = ScenarioFile.model_validate(data)
    except ValidationError as error:
        fields = "fields: name, effects, description, overrides"
        raise ScenarioError(f"{source}: {first_fault(error)} ({fields})") from error
    overrides = {
        effect: {
            label: {
                name: _number(value, f"{source}: overrides.{effect}.{label}.{name}") for name, value in numbers.items()
            }
            for label, numbers in steps.items()
        }
        for effect, steps in parsed.overrides.items()
    }
    return Scenario(parsed.name, tuple(parsed.effects), parsed.description, overrides)


def _number(value: Any, where: str) -> Number:
    if isinstance(value, list):
        if len(value) == 2 and all(isinstance(end, (int, float)) and not isinstance(end, bool) for end in value):
            return Range(*value)
        if value and all(isinstance(one, (str, int, float, bool)) for one in value):
            return Choice(tuple(value))
    if isinstance(value, (str, int, float, bool)):
        return value
    raise ScenarioError(f"{where} = {value!r}: a number, a text, or a list [easy, hard] is expected")


def merge(
    scenario: Scenario, degradations: Mapping[str, Degradation], stacking: Mapping[str, bool]
) -> tuple[tuple[str, Step], ...]:
    """Merge the chains of a scenario's effects into one chain of (effect, step).

    Each effect keeps its own order and the effects keep the scenario's; a step whose merge name was used by an EARLIER
    effect is skipped, unless its primitive stacks (noise sources do). A repeat inside one effect stays.

    Args:
        degradations: the registered ones by name.
        stacking: primitive name -> whether it stacks.

    Raises:
        ScenarioError: no effect, an effect twice, two anchors, or an override of what the scenario has not.
        UnknownNameError: no such effect.
    """
    effects = [_known(degradations, name, scenario) for name in scenario.effects]
    _check_roles(scenario, effects)
    _check_overrides(scenario, effects)
    chain: list[tuple[str, Step]] = []
    used_earlier: set[str] = set()
    for effect in effects:
        for own in effect.chain:
            numbers = scenario.overrides.get(effect.name, {}).get(own.label, {})
            if own.merge_name in used_earlier and not stacking.get(own.primitive, False):
                if numbers:
                    raise ScenarioError(
                        f"scenario {scenario.name}: the override of {effect.name}.{own.label} has no effect, since an "
                        f"earlier effect's {own.merge_name} takes its place; override that one"
                    )
                continue
            chain.append((effect.name, own.overridden(numbers) if numbers else own))
        used_earlier.update(own.merge_name for own in effect.chain)
    return tuple(chain)


def _known(degradations: Mapping[str, Degradation], name: str, scenario: Scenario) -> Degradation:
    if name not in degradations:
        raise unknown_name(f"effect in scenario {scenario.name}:", name, degradations)
    return degradations[name]


def _check_roles(scenario: Scenario, effects: Sequence[Degradation]) -> None:
    if not effects:
        raise ScenarioError(f"scenario {scenario.name}: names no effect")
    names = [effect.name for effect in effects]
    for name in names:
        if names.count(name) > 1:
            raise ScenarioError(f"scenario {scenario.name}: effect {name!r} is named twice")
    anchors = [effect.name for effect in effects if effect.role is Role.ANCHOR]
    if len(anchors) > 1:
        raise ScenarioError(
            f"scenario {scenario.name}: {' and '.join(anchors)} are anchors (acoustic geometries), which never "
            "combine; keep one"
        )


def _check_overrides(scenario: Scenario, effects: Sequence[Degradation]) -> None:
    chains = {effect.name: {own.label: own for own in effect.chain} for effect in effects}
    for effect, steps in scenario.overrides.items():
        if effect not in chains:
            raise unknown_name(f"effect in the overrides of scenario {scenario.name}:", effect, chains)
        for label in steps:
            if label not in chains[effect]:
                raise unknown_name(
                    f"step of {effect} in the overrides of scenario {scenario.name}:", label, chains[effect]
                )

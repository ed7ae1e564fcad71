"""`Scenario`: a list of degradations, and the rule by which their chains become one (Mega-ASR)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from ..base.errors import ParameterError, ScenarioError, unknown_name
from ..base.severity import Choice, Range
from ..base.validation import first_fault
from .degradation import Degradation, Number, Role, Step, check_name
from .recipe import DroppedStep

Overrides = Mapping[str, Mapping[str, Mapping[str, Number]]]
"""effect -> step label -> parameter -> number."""

FIXED = (str, int, float, bool)
FORMS = "write a fixed value, a range [easy, hard] or {range: [easy, hard]}, or a choice {choice: [easy, ..., hard]}"


@dataclass(frozen=True)
class Scenario:
    """A composition as data.

    Args:
        effects: degradation names, in the order in which they are walked.
        overrides: numbers that differ from the degradations' own.

    Raises:
        ScenarioError: a name that `check_name` refuses.
    """

    name: str
    effects: tuple[str, ...]
    description: str = field(default="", compare=False)
    overrides: Overrides = field(default_factory=dict)

    def __post_init__(self) -> None:
        check_name("scenario", self.name)


class Merged(NamedTuple):
    """A scenario as one chain of (effect, step) in the order of application, and the steps that merging dropped."""

    chain: tuple[tuple[str, Step], ...]
    dropped: tuple[DroppedStep, ...]


class ScenarioFile(BaseModel):
    """What a user's YAML file may hold."""

    model_config = ConfigDict(extra="forbid")

    name: str
    effects: list[str] = Field(min_length=1)
    description: str = ""
    overrides: dict[str, dict[str, dict[str, Any]]] = {}


def scenario_from(data: object, source: object) -> Scenario:
    """Build a scenario from parsed YAML.

    Raises:
        ScenarioError: a missing or unknown field, a wrong name, or an override that has none of the `FORMS`; in one
            line that names `source`.
    """
    try:
        parsed = ScenarioFile.model_validate(data)
    except ValidationError as error:
        fields = "fields: name, effects, description, overrides"
        raise ScenarioError(f"{source}: {first_fault(error)} ({fields})") from error
    overrides: dict[str, dict[str, dict[str, Number]]] = {}
    for effect, steps in parsed.overrides.items():
        overrides[effect] = {}
        for label, numbers in steps.items():
            where = f"{source}: overrides.{effect}.{label}"
            overrides[effect][label] = {name: _number(value, f"{where}.{name}") for name, value in numbers.items()}
    try:
        return Scenario(parsed.name, tuple(parsed.effects), parsed.description, overrides)
    except ScenarioError as error:
        raise ScenarioError(f"{source}: {error}") from error


def _number(value: Any, where: str) -> Number:
    form, content = next(iter(value.items())) if isinstance(value, dict) and len(value) == 1 else ("range", value)
    try:
        if isinstance(value, FIXED):
            return value
        if form == "range" and isinstance(content, list) and len(content) == 2:
            return Range(*content)
        if form == "choice" and isinstance(content, list) and all(isinstance(one, FIXED) for one in content):
            return Choice(tuple(content))
    except ParameterError as error:
        raise ScenarioError(f"{where} = {value!r}: {error}; {FORMS}") from error
    raise ScenarioError(f"{where} = {value!r}: {FORMS}")


def merge(scenario: Scenario, degradations: Mapping[str, Degradation], stacking: Mapping[str, bool]) -> Merged:
    """Merge the chains of a scenario's effects into one.

    Each effect keeps its own order and the effects keep the scenario's. A step that has a merge name is dropped where
    an EARLIER effect has a step of that merge name, unless its primitive stacks (noise sources do). A step without a
    merge name is kept.

    Args:
        degradations: the registered ones by name.
        stacking: primitive name -> whether it stacks.

    Raises:
        ScenarioError: no effect, an effect twice, two anchors, or an override of what the scenario has not.
        UnknownNameError: no such effect.
    """
    effects = _checked_effects(scenario, degradations)
    _check_overrides(scenario, effects)
    chain: list[tuple[str, Step]] = []
    dropped: list[DroppedStep] = []
    used_by: dict[str, str] = {}  # merge name -> the first effect that has it
    for effect in effects:
        for step in effect.chain:
            numbers = scenario.overrides.get(effect.name, {}).get(step.label, {})
            name = step.merge_name
            behind = effect.name if name is None else used_by.setdefault(name, effect.name)
            if name is not None and behind != effect.name and not stacking.get(step.primitive, False):
                if numbers:
                    raise ScenarioError(
                        f"scenario {scenario.name}: the override of {effect.name}.{step.label} has no effect, since "
                        f"{name} of {behind} takes its place; override that one"
                    )
                dropped.append(DroppedStep(effect=effect.name, step=step.label, merge_name=name, behind=behind))
                continue
            chain.append((effect.name, step.overridden(numbers) if numbers else step))
    return Merged(tuple(chain), tuple(dropped))


def _checked_effects(scenario: Scenario, degradations: Mapping[str, Degradation]) -> list[Degradation]:
    where = f"scenario {scenario.name}:"
    for name in scenario.effects:
        if name not in degradations:
            raise unknown_name(f"effect in {where}", name, degradations)
    if not scenario.effects:
        raise ScenarioError(f"{where} names no effect")
    for name in scenario.effects:
        if scenario.effects.count(name) > 1:
            raise ScenarioError(f"{where} effect {name!r} is named twice")
    effects = [degradations[name] for name in scenario.effects]
    anchors = [effect.name for effect in effects if effect.role is Role.ANCHOR]
    if len(anchors) > 1:
        names = " and ".join(anchors)
        raise ScenarioError(f"{where} {names} are anchors (acoustic geometries), which never combine; keep one")
    return effects


def _check_overrides(scenario: Scenario, effects: Sequence[Degradation]) -> None:
    where = f"in the overrides of scenario {scenario.name}:"
    labels = {effect.name: [step.label for step in effect.chain] for effect in effects}
    for effect, steps in scenario.overrides.items():
        if effect not in labels:
            raise unknown_name(f"effect {where}", effect, labels)
        for label in steps:
            if label not in labels[effect]:
                raise unknown_name(f"step of {effect} {where}", label, labels[effect])

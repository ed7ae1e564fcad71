"""`Degradation`: a named effect, that is a chain of primitives whose numbers move with the severity (Mega-ASR)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from types import MappingProxyType
from typing import Any

from ..base.errors import ScenarioError
from ..base.severity import Choice, Range
from .primitive import Primitive

Number = Range | Choice | float | int | str | bool

ALL_SCENARIOS = "all"
"""Means every scenario of megaasr where scenarios are listed; no scenario or degradation has this name."""


def check_name(kind: str, name: object) -> None:
    """ScenarioError unless `name`, of a kind ``scenario`` or ``degradation``, can stand in lists and in file names."""
    if not isinstance(name, str) or not re.fullmatch(r"\w[\w.+-]*", name, re.ASCII):
        why = "is not a name: write letters, digits and _ . + -, beginning with a letter, a digit or _"
    elif name == ALL_SCENARIOS:
        why = "means every scenario of megaasr"
    elif name.endswith((".yaml", ".yml")):
        why = "means a file"
    elif "+" in name and kind != "scenario":
        why = "would be a scenario, since + joins the effects of one"
    else:
        return
    raise ScenarioError(f"{kind} {name!r} {why}; choose another name")


def number_at(number: Number, severity: float, *, is_integer: bool) -> Any:
    """A parameter at one severity; a `Range` of an integer field is rounded, half to even."""
    if isinstance(number, Range):
        return round(number.at(severity)) if is_integer else number.at(severity)
    return number.at(severity) if isinstance(number, Choice) else number


class Role(StrEnum):
    """Anchors define the acoustic geometry and never combine with each other; modifiers attach to anything."""

    ANCHOR = "anchor"
    MODIFIER = "modifier"


@dataclass(frozen=True)
class Step:
    """One primitive of a chain, its numbers still ranges.

    Args:
        primitive: registered name.
        parameters: constants, `Range` or `Choice`.
        label: how overrides address this step; unique in its chain.
        merge_name: the step is dropped where an earlier effect of the scenario has a step of this merge name; None:
            it is always kept, and no other step is dropped because of it.
    """

    primitive: str
    parameters: Mapping[str, Number]
    label: str
    merge_name: str | None = None

    def at(self, severity: float, primitive: type[Primitive]) -> dict[str, Any]:
        """The numbers at one severity, as the fields of `primitive`, the step's own, take them."""
        whole = primitive.integer_fields()
        return {name: number_at(number, severity, is_integer=name in whole) for name, number in self.parameters.items()}

    def overridden(self, overrides: Mapping[str, Number]) -> Step:
        """The same step with some of its numbers replaced."""
        return replace(self, parameters={**self.parameters, **overrides})

    def __post_init__(self) -> None:
        object.__setattr__(self, "parameters", MappingProxyType(dict(self.parameters)))

    def __reduce__(self) -> tuple[Any, ...]:  # a mapping proxy cannot be pickled by itself
        return Step, (self.primitive, dict(self.parameters), self.label, self.merge_name)


def step(primitive: str, *, label: str | None = None, merge_name: str | None = None, **parameters: Number) -> Step:
    """Write a step as a line: ``step("apply_filter", type="lowpass", cutoff_hz=Range(4500.0, 3500.0))``.

    The arguments are those of `Step`; the label is by default the primitive's name. Give a `merge_name` only where an
    earlier effect's step shall stand for this one. The paper's effects use the primitive's name:
    ``merge_name="change_volume"`` keeps the level that an earlier effect has set.
    """
    return Step(primitive, parameters, label or primitive, merge_name)


@dataclass(frozen=True)
class Degradation:
    """An acoustic condition: a chain of steps in the order in which they are applied.

    Raises:
        ScenarioError: a name that `check_name` refuses, an empty chain, or two steps with one label.
    """

    name: str
    role: Role
    chain: tuple[Step, ...]
    description: str = field(default="", compare=False)

    def __post_init__(self) -> None:
        check_name("degradation", self.name)
        if not self.chain:
            raise ScenarioError(f"degradation {self.name}: its chain is empty")
        labels = [one.label for one in self.chain]
        for label in labels:
            if labels.count(label) > 1:
                why = f"two steps are called {label!r}; give one of them label='...'"
                raise ScenarioError(f"degradation {self.name}: {why}")

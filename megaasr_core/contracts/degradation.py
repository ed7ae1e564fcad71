"""`Degradation`: a named effect, that is a chain of primitives whose numbers move with the severity (Mega-ASR)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType
from typing import Any

from ..base.errors import ScenarioError
from ..base.severity import Choice, Range

Number = Range | Choice | float | int | str | bool


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
        merge_name: what counts as "the same step" when chains are merged.
    """

    primitive: str
    parameters: Mapping[str, Number]
    label: str
    merge_name: str

    def at(self, severity: float) -> dict[str, Any]:
        """The numbers at one severity."""
        return {
            name: value.at(severity) if isinstance(value, (Range, Choice)) else value
            for name, value in self.parameters.items()
        }

    def overridden(self, overrides: Mapping[str, Number]) -> Step:
        """The same step with some of its numbers replaced."""
        return Step(self.primitive, MappingProxyType({**self.parameters, **overrides}), self.label, self.merge_name)

    def __reduce__(self) -> tuple[Any, ...]:  # a mapping proxy cannot be pickled by itself
        return _rebuild_step, (self.primitive, dict(self.parameters), self.label, self.merge_name)


def _rebuild_step(primitive: str, parameters: dict[str, Number], label: str, merge_name: str) -> Step:
    return Step(primitive, MappingProxyType(parameters), label, merge_name)


def step(primitive: str, *, label: str | None = None, merge_name: str | None = None, **parameters: Number) -> Step:
    """Write a step as a line: ``step("apply_filter", type="lowpass", cutoff_hz=Range(4500.0, 3500.0))``."""
    merge_name = merge_name or primitive
    return Step(primitive, MappingProxyType(parameters), label or merge_name, merge_name)


@dataclass(frozen=True)
class Degradation:
    """An acoustic condition.

    Args:
        name: as scenarios call it.
        role: anchor or modifier.
        chain: steps in the order in which they are applied.
        description: one line for people.

    Raises:
        ScenarioError: an empty chain, or two steps with one label.
    """

    name: str
    role: Role
    chain: tuple[Step, ...]
    description: str = field(default="", compare=False)

    def __post_init__(self) -> None:
        if "+" in str(self.name):
            raise ScenarioError(f"degradation {self.name!r}: + joins the effects of a scenario; choose another name")
        if not self.chain:
            raise ScenarioError(f"degradation {self.name}: its chain is empty")
        labels = [one.label for one in self.chain]
        for label in labels:
            if labels.count(label) > 1:
                raise ScenarioError(
                    f"degradation {self.name}: two steps are called {label!r}; give one of them label='...'"
                )

"""Checks of registered things against each other: degradations must resolve, scenarios must merge."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from ..base.errors import ParameterError
from ..contracts.degradation import Degradation, Step
from ..contracts.primitive import Primitive
from ..contracts.scenario import Scenario, merge

if TYPE_CHECKING:
    from .plugins import Plugins


def verify_degradation(degradation: Degradation, plugins: Plugins) -> None:
    """Every step must resolve at both ends of the severity; the errors of `check_steps`."""
    check_steps(degradation.chain, plugins, f"degradation {degradation.name}")


def verify_scenario(scenario: Scenario, plugins: Plugins) -> None:
    """The chains of the scenario's effects must merge; the errors of `merge`."""
    merge(scenario, plugins.degradations, plugins.stacking)


def check_steps(chain: Iterable[Step], plugins: Plugins, where: str) -> None:
    """Build every step at severity 0, 0.5 and 1, so that a bad number is known before it is drawn.

    Numbers that only `Primitive.draw` can supply (a noise clip) are left to planning.

    Args:
        where: begins the message, e.g. ``degradation far_field``.

    Raises:
        UnknownNameError, ParameterError: naming step, parameter, value and bound.
    """
    for step in chain:
        primitive = plugins.primitives[step.primitive]
        for severity in (0.0, 0.5, 1.0):
            try:
                primitive.create({**_drawn_later(primitive, step.parameters), **step.at(severity, primitive)})
            except ParameterError as error:
                raise ParameterError(f"{where}, step {step.label}, severity {severity:g}: {error}") from error


def _drawn_later(primitive: type[Primitive], given: Iterable[str]) -> dict[str, Any]:
    """Examples for required fields that the chain does not set, from the fields' own `examples`."""
    return {
        name: info.examples[0]
        for name, info in primitive.model_fields.items()
        if name not in given and info.is_required() and info.examples
    }

"""What a scenario must do: name what there is, and plan, render and replay as one chain."""

from __future__ import annotations

from collections.abc import Callable

from . import checks_rendering as composed
from .guards import expect
from .plugin_under_test import Subject


def checks(subject: Subject) -> list[Callable[[Subject], None]]:
    """The checks of a scenario; what depends on one degradation alone is checked there."""
    del subject
    return [
        has_a_description,
        every_effect_is_heard,
        composed.resolves_at_every_severity,
        composed.harder_differs,
        composed.replays_from_json,
        composed.other_utterance_gets_other_draws,
        composed.silence_and_short_clips_survive,
        composed.can_be_pickled,
    ]


def has_a_description(subject: Subject) -> None:
    """One line for people, in listings and docs."""
    text = subject.thing.description
    expect(text.strip() and "\n" not in text, "needs a description of one line: Scenario(..., description='...')")


def every_effect_is_heard(subject: Subject) -> None:
    """No effect loses all its steps to earlier ones when the chains are merged."""
    recipe = composed.planned(subject, composed.speech())
    lost = [effect for effect in subject.thing.effects if effect not in {step.effect for step in recipe.steps}]
    expect(not lost, f"nothing is left of {', '.join(lost)}: earlier effects have the same steps; leave it out")

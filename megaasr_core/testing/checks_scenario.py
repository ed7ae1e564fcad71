"""Checks of a scenario: its effects exist, and it is planned, rendered and replayed as one chain."""

from __future__ import annotations

from collections.abc import Callable

from . import checks_rendering as composed
from .guards import expect
from .plugin_under_test import Subject


def checks(subject: Subject) -> list[Callable[[Subject], None]]:
    """The checks of a scenario; what depends on one degradation alone is checked there."""
    is_registered = subject.name in subject.plugins.scenarios  # a scenario from a YAML file is in no listing
    return [
        *([composed.has_a_description] if is_registered else []),
        composed.resolves_at_every_severity,
        every_effect_is_heard,
        composed.severity_changes_the_sound,
        composed.replays_from_json,
        composed.other_utterance_gets_other_draws,
        composed.accepts_silence_and_short_clips,
        composed.can_be_pickled,
    ]


def every_effect_is_heard(subject: Subject) -> None:
    """Of each effect at least one step is left when the chains are merged."""
    recipe = composed.planned(subject, composed.speech())
    lost = [effect for effect in subject.thing.effects if effect not in {step.effect for step in recipe.steps}]
    expect(
        not lost,
        f"nothing is left of {', '.join(lost)}: earlier effects have the same steps; leave it out, "
        "or give its steps merge names of their own",
    )

"""Checks of a degradation: it resolves, renders, replays, and merges with the others."""

from __future__ import annotations

from collections.abc import Callable

from ..base.errors import MegaasrError, ScenarioError
from ..contracts.degradation import Role
from ..contracts.scenario import Scenario, merge
from . import checks_rendering as composed
from .guards import expect
from .plugin_under_test import Subject


def checks(subject: Subject) -> list[Callable[[Subject], None]]:
    """The checks of a degradation."""
    changed = {
        change
        for step in subject.thing.chain
        if step.primitive in subject.plugins.primitives
        for change in subject.plugins.primitives[step.primitive].changes
    }
    return [
        composed.has_a_description,
        composed.resolves_at_every_severity,
        composed.global_random_state_is_unchanged,
        composed.same_recipe_gives_same_bits,
        composed.severity_changes_the_sound,
        composed.replays_from_json,
        composed.other_utterance_gets_other_draws,
        *([] if "length" in changed else [composed.length_is_kept]),
        composed.accepts_silence_and_short_clips,
        composed.accepts_all_sample_rates,
        composed.order_of_samples_is_irrelevant,
        composed.can_be_pickled,
        merges_with_the_others,
        is_never_swallowed_whole,
    ]


def merges_with_the_others(subject: Subject) -> None:
    """With every other effect, in both orders: planned together, unless both are anchors, which is refused."""
    own = subject.thing
    for name, other in subject.plugins.degradations.items():
        if name == own.name:
            continue
        for pair in ((own.name, name), (name, own.name)):
            scenario = Scenario("+".join(pair), pair)
            if own.role is Role.ANCHOR and other.role is Role.ANCHOR:
                expect(_is_refused(subject, scenario), f"{scenario.name}: two anchors were combined")
                continue
            try:
                composed.planned(subject, composed.speech(), scenario=scenario)
            except AssertionError as error:
                raise AssertionError(f"together with {name}: {error}") from error.__cause__


def is_never_swallowed_whole(subject: Subject) -> None:
    """Behind every other effect something is left of the chain when the two are merged."""
    own = subject.thing
    for name, other in subject.plugins.degradations.items():
        if name == own.name or own.role is other.role is Role.ANCHOR:
            continue
        scenario = Scenario(f"{name}+{own.name}", (name, own.name))
        chain, _ = merge(scenario, subject.plugins.degradations, subject.plugins.stacking)
        expect(
            any(effect == own.name for effect, _ in chain),
            f"swallowed whole behind {name}: each step merges with one of its steps; give no merge_name to what must "
            "be kept",
        )


def _is_refused(subject: Subject, scenario: Scenario) -> bool:
    try:
        merge(scenario, subject.plugins.degradations, subject.plugins.stacking)
    except MegaasrError as error:
        return isinstance(error, ScenarioError)
    return False

"""The kit's checks of degradations and scenarios: good ones pass, each broken one trips the check meant for it."""

from __future__ import annotations

from collections import Counter
from typing import Any, ClassVar

import numpy as np
import pytest
from pydantic import Field

from megaasr import Degradation, Merged, Primitive, Range, Role, Scenario, ScenarioError, merge, step
from megaasr_core.base.errors import PluginError
from megaasr_core.base.severity import Choice
from megaasr_core.base.sound_bank import SoundRef
from megaasr_core.testing import cases, failures, plugins_of


class Gain(Primitive):
    """Change the level."""

    name = "gain"
    gain_db: float = Field(-6.0, ge=-60.0, le=20.0, description="positive is louder")

    def apply(self, samples, sample_rate, context):
        return (samples * 10 ** (self.gain_db / 20)).astype(np.float32)


class Sounds(Primitive):
    """Add a recorded sound."""

    name = "sounds"
    stacks = True
    level: float = Field(0.5, ge=0.0, le=1.0, description="factor")
    sound: SoundRef = Field(description="which", examples=[{"path": "a.wav", "digest": "0123456789abcdef"}])

    @classmethod
    def draw(cls, parameters, context):
        return {**parameters, "sound": context.bank("noise").pick(context.rng)}

    def apply(self, samples, sample_rate, context):
        return samples + np.float32(self.level) * np.resize(
            context.load("noise", self.sound, sample_rate), len(samples)
        )


class Hiss(Primitive):
    """Add white noise, drawn while rendering."""

    name = "hiss"
    level: float = Field(0.01, ge=0.0, le=1.0, description="RMS")

    def apply(self, samples, sample_rate, context):
        return (samples + self.level * context.rng.standard_normal(len(samples))).astype(np.float32)


class Odd(Primitive):
    """A primitive with one of several faults, for degradations to trip over."""

    name = "odd"
    calls: ClassVar[Counter[str]] = Counter()
    fault: str = Field("none", description="which")
    amount: float = Field(0.0, description="does nothing, but severity moves it")

    def apply(self, samples, sample_rate, context):
        gained = samples * np.float32(1.0 + self.amount)
        self.calls["apply"] += 1
        match self.fault:
            case "counts":
                return gained + np.float32(1e-6 * self.calls["apply"])
            case "global":
                np.random.seed(1)  # noqa: NPY002
            case "cuts" if len(samples) > 1:
                return gained[:-1]
            case "silence" if not samples.any():
                raise ZeroDivisionError("no level")
            case "rate" if sample_rate > 16_000:
                raise ValueError("too fast")
            case "hard" if self.amount > 0.9:
                return gained * np.float32(np.nan)
            case "idle":
                context.rng.random()
        return gained


class Shortens(Odd):
    """Declares that it shortens."""

    name = "shortens"
    changes = frozenset({"length"})


PRIMITIVES = (Gain, Sounds, Hiss, Odd, Shortens)
QUIET = Degradation("quiet", Role.MODIFIER, (step("gain", gain_db=Range(-3.0, -30.0)),), "Far too quiet.")
STREET = Degradation(
    "street",
    Role.MODIFIER,
    (step("sounds", level=Range(0.1, 1.0)), step("gain", gain_db=-3.0)),
    "Traffic.",
)
TUBE = Degradation("tube", Role.ANCHOR, (step("hiss", level=Range(0.001, 0.1)), step("gain")), "A long tube.")
HALL = Degradation("hall", Role.ANCHOR, (step("gain", gain_db=Range(-1.0, -9.0)),), "A hall.")
NEIGHBOURS = (QUIET, STREET, TUBE, HALL)


@pytest.mark.parametrize("name", ["quiet", "street", "tube", "hall"])
def test_good_degradations_pass(name):
    assert failures(cases(f"degradation:{name}", plugins=plugins_of(*PRIMITIVES, *NEIGHBOURS))) == {}


def broken(*chain: Any, role: Role = Role.MODIFIER, description: str = "Broken.") -> Degradation:
    return Degradation("broken", role, chain, description)


def odd(fault: str) -> Degradation:
    return broken(step("odd", fault=fault, amount=Range(0.0, 1.0)))


BROKEN = {
    "out of bounds between the severities that loading tries": (
        broken(step("gain", gain_db=Choice((0.0, 99.0, 0.0, -3.0, -6.0)))),
        {"resolves_at_every_severity"},
        "cannot be planned at severity 0.25: ParameterError: primitive gain: gain_db = 99.0",
    ),
    "no range": (broken(step("gain", gain_db=-3.0)), {"severity_changes_the_sound"}, "Range(easy, hard)"),
    "no description": (
        broken(step("gain", gain_db=Range(-3.0, -9.0)), description=""),
        {"has_a_description"},
        "description",
    ),
    "state": (
        odd("counts"),
        {"same_recipe_gives_same_bits"},
        "two different renderings",
    ),
    "global random": (odd("global"), {"global_random_state_is_unchanged"}, "numpy.random"),
    "length": (odd("cuts"), {"resolves_at_every_severity"}, "returns 15999 samples for 16000"),
    "silence": (odd("silence"), {"accepts_silence_and_short_clips"}, "ZeroDivisionError: no level"),
    "rates": (odd("rate"), {"accepts_all_sample_rates"}, "ValueError: too fast"),
    "NaN when hard": (
        odd("hard"),
        {"resolves_at_every_severity"},
        "must be finite",
    ),
    "draws for nothing": (odd("idle"), {"other_utterance_gets_other_draws"}, "8 other utterances got the same"),
}


@pytest.mark.parametrize("case", BROKEN)
def test_broken_degradation_trips(case):
    degradation, tripped, says = BROKEN[case]
    failed = failures(cases("degradation:broken", plugins=plugins_of(*PRIMITIVES, *NEIGHBOURS, degradation)))
    assert set(failed) == tripped
    assert any(says in line for line in failed.values()), failed
    assert all(line.startswith("degradation broken: ") and "\n" not in line for line in failed.values())


def test_a_range_beyond_the_bounds_is_refused_when_it_is_registered():
    degradation = broken(step("gain", gain_db=Range(0.0, -99.0)))
    with pytest.raises(PluginError, match=r"degradation broken, step gain, severity 1: .* gain_db = -99"):
        plugins_of(*PRIMITIVES, degradation)


def test_a_neighbour_that_cannot_be_planned_is_named():
    fragile = Degradation("fragile", Role.MODIFIER, (step("sounds", label="bird"),), "Needs a bank.")
    failed = failures(cases("degradation:quiet", plugins=plugins_of(*PRIMITIVES, QUIET, fragile), banks={}))
    assert set(failed) == {"merges_with_the_others"}
    assert "together with fragile: cannot be planned at severity 0.5: RecipeError" in failed["merges_with_the_others"]


def test_two_anchors_must_be_refused(monkeypatch):
    chosen = cases("degradation:hall", plugins=plugins_of(*PRIMITIVES, *NEIGHBOURS))

    def blind(scenario, *others):
        try:
            return merge(scenario, *others)
        except ScenarioError:
            return Merged((), ())

    monkeypatch.setattr("megaasr_core.testing.checks_degradation.merge", blind)
    assert failures(chosen) == {"merges_with_the_others": "degradation hall: hall+tube: two anchors were combined"}


def test_a_degradation_that_another_swallows_whole_trips():
    loud = step("gain", merge_name="level", gain_db=3.0)
    moving = Range(-3.0, -9.0)
    swallowed = broken(step("gain", merge_name="level", gain_db=moving))
    big = Degradation("big", Role.ANCHOR, (step("hiss"), loud), "Big.")
    failed = failures(cases("degradation:broken", plugins=plugins_of(*PRIMITIVES, *NEIGHBOURS, big, swallowed)))
    assert set(failed) == {"is_never_swallowed_whole"}
    assert failed["is_never_swallowed_whole"].startswith("degradation broken: swallowed whole behind big: ")
    kept = broken(step("gain", gain_db=moving))
    partly = broken(step("gain", merge_name="level", gain_db=moving), step("odd", amount=moving))
    anchor = broken(step("gain", merge_name="level", gain_db=moving), role=Role.ANCHOR)  # big never stands before it
    for good in (kept, partly, anchor):
        chosen = cases("degradation:broken", plugins=plugins_of(*PRIMITIVES, *NEIGHBOURS, big, good))
        assert failures(chosen) == {}


def test_a_declared_change_of_length_is_not_held_against_it():
    degradation = broken(step("shortens", fault="cuts", amount=Range(0.0, 1.0)))
    chosen = cases("degradation:broken", plugins=plugins_of(*PRIMITIVES, degradation))
    assert "length_is_kept" not in {case.name for case in chosen}
    assert failures(chosen) == {}


def test_scenarios():
    good = Scenario("in_the_tube", ("tube", "street"), "A street musician underground.")
    softer = Degradation("softer", Role.MODIFIER, (step("gain", merge_name="gain", gain_db=-3.0),), "Softer.")
    soft = Degradation("soft", Role.MODIFIER, (step("gain", merge_name="gain", gain_db=Range(-3.0, -9.0)),), "Soft.")
    bare = Scenario("bare", ("soft", "softer"))
    plugins = plugins_of(*PRIMITIVES, *NEIGHBOURS, soft, softer, good, bare)
    assert failures(cases("scenario:in_the_tube", plugins=plugins)) == {}
    failed = failures(cases("scenario:bare", plugins=plugins))
    assert set(failed) == {"has_a_description", "every_effect_is_heard"}
    assert "nothing is left of softer" in failed["every_effect_is_heard"]

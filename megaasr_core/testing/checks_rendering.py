"""Checks of whatever can be planned and rendered: a degradation by itself, or a scenario."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from ..base.audio import SAMPLE_RATE_HZ, Audio, Samples
from ..base.errors import one_line
from ..base.seeding import SampleKey
from ..contracts.primitive import ApplyContext
from ..contracts.recipe import Recipe
from ..contracts.scenario import Scenario
from ..discovery.plugins import Plugins
from ..flows.plan import plan
from ..flows.render import Rendered, render
from .case import essential
from .checks_unit import PICKLING
from .guards import attempt, expect, expect_no_global_random, expect_same_after_pickling, generator_state
from .plugin_under_test import Subject
from .primitive_runs import KEY
from .signals import silence, speech_like

SEVERITIES = (0.0, 0.25, 0.5, 0.75, 1.0)
SAMPLE_RATES_HZ = (8_000, 16_000, 44_100, 48_000)
OTHER_KEYS = tuple(SampleKey(1, f"utterance-{number}") for number in range(2, 10))


@dataclass(frozen=True)
class WatchedKey(SampleKey):
    """A key that remembers its generators, to see whether a plan drew from them."""

    def rng(self, *position: str | int) -> np.random.Generator:
        """As `SampleKey.rng`, remembered together with its state."""
        generator = super().rng(*position)
        remembered = self.__dict__.setdefault("_generators", [])
        remembered.append((generator, generator_state(generator)))
        return generator

    @property
    def was_drawn_from(self) -> bool:
        """Whether any generator has moved on."""
        return any(generator_state(one) != state for one, state in self.__dict__.get("_generators", []))


def scenario_of(subject: Subject) -> Scenario:
    """The scenario under test; of a degradation, the scenario of that degradation alone."""
    return subject.thing if subject.kind == "scenario" else Scenario(subject.name, (subject.name,))


def speech(sample_rate: int = SAMPLE_RATE_HZ) -> Audio:
    """A second of the kit's speech."""
    return Audio(speech_like(sample_rate), sample_rate, f"speech at {sample_rate} Hz")


def planned(
    subject: Subject,
    audio: Audio,
    *,
    severity: float = 0.5,
    key: SampleKey = KEY,
    scenario: Scenario | None = None,
) -> Recipe:
    """Plan; AssertionError with the line of the planner."""
    try:
        return plan(
            scenario or scenario_of(subject),
            key,
            subject.plugins,
            num_samples=len(audio.samples),
            sample_rate=audio.sample_rate,
            severity=severity,
            banks=subject.banks,
        )
    except Exception as error:
        name = type(error).__name__
        raise AssertionError(f"cannot be planned at severity {severity:g}: {name}: {one_line(error)}") from error


def rendered(subject: Subject, audio: Audio, recipe: Recipe) -> Rendered:
    """Render; the renderer refuses what is not finite contiguous float32."""
    return attempt(audio.name, lambda: render(audio, recipe, subject.plugins, subject.banks))


def samples_of(subject: Subject, audio: Audio, **settings: Any) -> Samples:
    """Plan and render."""
    return rendered(subject, audio, planned(subject, audio, **settings)).audio.samples


def has_a_description(subject: Subject) -> None:
    """One line for people, in listings and docs."""
    text, of = subject.thing.description, type(subject.thing).__name__
    expect(text.strip() and "\n" not in text, f"needs a description of one line: {of}(..., description='...')")


@essential
def resolves_at_every_severity(subject: Subject) -> None:
    """Every step's numbers are within its primitive's bounds, and the result is finite, from easy to hard."""
    for severity in SEVERITIES:
        samples_of(subject, speech(), severity=severity)


def severity_changes_the_sound(subject: Subject) -> None:
    """Severity 0 and 1 differ."""
    easy, hard = (samples_of(subject, speech(), severity=severity) for severity in (0.0, 1.0))
    expect(
        not np.array_equal(easy, hard),
        "sounds the same at severity 0 and 1; give at least one number of the chain as Range(easy, hard)",
    )


def replays_from_json(subject: Subject) -> None:
    """plan -> JSON -> render equals plan -> render, bit for bit."""
    for severity in SEVERITIES:
        recipe = planned(subject, speech(), severity=severity)
        copy = attempt("reading its recipe from JSON", partial(Recipe.parse, recipe.model_dump_json()))
        here, there = (rendered(subject, speech(), one).audio.samples for one in (recipe, copy))
        expect(np.array_equal(here, there), f"severity {severity:g}: a recipe read from JSON gives other samples")


@essential
def same_recipe_gives_same_bits(subject: Subject) -> None:
    """Planning twice gives one recipe, rendering it twice the same samples."""
    first, second = planned(subject, speech()), planned(subject, speech())
    expect(first == second, "gives two recipes for one key; primitives may draw only from context.rng")
    here, there = (rendered(subject, speech(), first).audio.samples for _ in range(2))
    expect(np.array_equal(here, there), "one recipe gives two different renderings; draw only from context.rng")


def other_utterance_gets_other_draws(subject: Subject) -> None:
    """If anything is drawn, another utterance gets other draws; if nothing is, every utterance gets the same."""
    key = WatchedKey(KEY.seed, KEY.utterance)
    recipe = planned(subject, speech(), key=key)
    random = key.was_drawn_from or _draws_while_rendering(subject.plugins, subject, recipe)
    one = rendered(subject, speech(), recipe).audio.samples
    others = [samples_of(subject, speech(), key=key) for key in (OTHER_KEYS if random else OTHER_KEYS[:1])]
    differs = any(not np.array_equal(one, other) for other in others)
    if random:
        expect(differs, f"draws at random, but {len(others)} other utterances got the same samples")
    else:
        expect(not differs, "gives other samples for another utterance without drawing from context.rng")


def _draws_while_rendering(plugins: Plugins, subject: Subject, recipe: Recipe) -> bool:
    samples = speech().samples
    for position, step in enumerate(recipe.steps):
        context = ApplyContext(recipe.key.rng("render", position), subject.banks)
        before = generator_state(context.rng)
        samples = plugins.primitives[step.primitive].create(step.parameters).apply(samples, SAMPLE_RATE_HZ, context)
        if generator_state(context.rng) != before:
            return True
    return False


def length_is_kept(subject: Subject) -> None:
    """As many samples come out as go in."""
    for num_samples in (SAMPLE_RATE_HZ, 12_345):
        audio = speech().cut(0, num_samples)
        length = len(samples_of(subject, audio))
        expect(
            length == num_samples, f"returns {length} samples for {num_samples}; every primitive must keep the length"
        )


def accepts_silence_and_short_clips(subject: Subject) -> None:
    """Silence, one sample, none."""
    for name, samples in (
        ("silence", silence(SAMPLE_RATE_HZ)),
        ("one sample", silence(1) + 0.1),
        ("zero samples", silence(0)),
    ):
        for severity in (0.0, 1.0):
            samples_of(subject, Audio(samples.astype(np.float32), SAMPLE_RATE_HZ, name), severity=severity)


def accepts_all_sample_rates(subject: Subject) -> None:
    """The rates of telephones, recognisers, discs and video."""
    for sample_rate in SAMPLE_RATES_HZ:
        for severity in (0.0, 1.0):
            samples_of(subject, speech(sample_rate), severity=severity)


def order_of_samples_is_irrelevant(subject: Subject) -> None:
    """A corpus gives the same bits in whichever order its samples are rendered."""
    keys = [KEY, *OTHER_KEYS[:3]]
    recipes = [planned(subject, speech(), key=key) for key in keys]
    forwards = [rendered(subject, speech(), recipe).audio.samples for recipe in recipes]
    for index in (2, 0, 3, 1):
        again = rendered(subject, speech(), recipes[index]).audio.samples
        expect(
            np.array_equal(again, forwards[index]),
            "gives other samples when utterances are rendered in another order; a primitive keeps state between calls",
        )


def can_be_pickled(subject: Subject) -> None:
    """Workers get the degradation or scenario and its recipes by pickling."""
    expect_same_after_pickling(subject.thing, PICKLING)
    expect_same_after_pickling(planned(subject, speech()), PICKLING)


@essential
def global_random_state_is_unchanged(subject: Subject) -> None:
    """Nothing is drawn from random, numpy.random or torch's global generator, nor are they seeded."""
    expect_no_global_random(lambda: samples_of(subject, speech()), "primitives may draw only from context.rng")

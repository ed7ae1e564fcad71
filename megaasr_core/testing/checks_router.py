"""Checks of a router: one route for each clip, whichever batch it is in, to the base or to its own adapter."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import numpy as np

from ..base.audio import SAMPLE_RATE_HZ, Audio
from ..base.seeding import SampleKey
from ..contracts.backend import Transcript
from ..contracts.router import Reviewed, Route
from ..contracts.utterance import Utterance, utterances
from .case import essential
from .checks_unit import (
    PICKLING,
    can_be_pickled,
    fields_are_described,
    fields_have_a_bound,
    has_a_docstring,
    parameters_survive_json,
)
from .guards import attempt, expect, expect_no_global_random, expect_same_after_pickling
from .plugin_under_test import Subject
from .signals import copies, silence, speech_like, square_wave

SAMPLE_RATES_HZ = (8_000, 44_100, 48_000)
TEXT = "the quick brown fox jumps over the lazy dog"
TRANSCRIPTS = (
    Transcript(TEXT, "en", mean_logprob=-0.1, num_tokens=10, duration_s=1.0),
    Transcript("", "en", mean_logprob=-4.0, num_tokens=1, flags=("empty",), duration_s=1.0),
    Transcript("the the the the the the the the", "en", -0.5, 30, True, ("repetitive", "truncated"), 1.0),
    Transcript("今天天气很好", "zh", mean_logprob=None, num_tokens=7, duration_s=1.0),
)


def checks(subject: Subject) -> list[Callable[[Subject], None]]:
    """The checks of a router."""
    del subject
    from . import checks_router_purity as purity

    return [
        has_a_docstring,
        fields_are_described,
        fields_have_a_bound,
        one_route_per_clip,
        review_fits_the_batch,
        global_random_state_is_unchanged,
        same_batch_gives_same_routes,
        parameters_survive_json,
        can_be_pickled,
        uses_only_its_own_adapter,
        probability_is_within_0_and_1,
        is_order_invariant,
        batch_equals_one_by_one,
        accepts_silence_and_short_clips,
        purity.accepts_long_clips,
        accepts_all_sample_rates,
        clips_are_unchanged,
        purity.review_asks_for_another_route,
        keep_second_fits_the_batch,
        purity.clock_is_irrelevant,
        purity.no_file_is_written,
        purity.fields_work_at_their_bounds,
    ]


def _clips() -> list[Audio]:
    """Speech, noise, silence, a loud wave."""
    noise = 0.05 * SampleKey(0, "router").rng("noise").standard_normal(SAMPLE_RATE_HZ)
    sounds = {
        "speech": speech_like(),
        "other speech": speech_like(duration_s=1.5, key="other"),
        "quiet speech": 0.01 * speech_like(),
        "noisy speech": speech_like() + noise,
        "noise": noise,
        "silence": silence(SAMPLE_RATE_HZ),
        "a square wave": square_wave(SAMPLE_RATE_HZ),
    }
    return [Audio(np.array(samples, np.float32), SAMPLE_RATE_HZ, name) for name, samples in sounds.items()]


def _reviewed(subject: Subject, *, shift: int = 0) -> list[Reviewed]:
    clips = _clips()
    transcripts = [TRANSCRIPTS[(index + shift) % len(TRANSCRIPTS)] for index in range(len(clips))]
    pairs = list(zip(clips, transcripts, strict=True))
    known = [Reviewed(Utterance(clip, reference=TEXT), transcript) for clip, transcript in pairs]
    unknown = [Reviewed(Utterance(clip), transcript) for clip, transcript in pairs]
    return known if subject.thing.needs_reference else [*known, *unknown]


def _routes(subject: Subject, batch: Sequence[Audio], what: str) -> list[Route]:
    routes = attempt(what, lambda: subject.unit.route(utterances(copies(batch))))
    expect(isinstance(routes, list), f"route() returns {type(routes).__name__} on {what}; a list is expected")
    expect(len(routes) == len(batch), f"route() returns {len(routes)} routes for {len(batch)} clips of {what}")
    for route in routes:
        _expect_route(route, "route()")
    checked: list[Route] = routes
    return checked


def _expect_route(route: Any, where: str) -> None:
    expect(isinstance(route, Route), f"{where} returns {route!r}; a Route is expected")
    expect(isinstance(route.reason, str) and route.reason, f"{where} gives {route!r} without a reason; reports show it")
    expect(
        route.adapter is None or (isinstance(route.adapter, str) and route.adapter),
        f"{where} gives the adapter {route.adapter!r}; a name or None (the base) is expected",
    )


def _review(subject: Subject, reviewed: Sequence[Reviewed]) -> list[Route | None]:
    seconds = attempt(f"the review of {len(reviewed)} transcripts", lambda: subject.unit.review(list(reviewed)))
    expect(
        isinstance(seconds, list) and len(seconds) == len(reviewed),
        f"review() returns {_size(seconds)} for {len(reviewed)} transcripts; None stands for one that is left alone",
    )
    for second in seconds:
        if second is not None:
            _expect_route(second, "review()")
    checked: list[Route | None] = seconds
    return checked


@essential
def one_route_per_clip(subject: Subject) -> None:
    """As many routes as clips, each a `Route`, and none for none."""
    _routes(subject, _clips(), "a batch")
    expect(_routes(subject, [], "an empty batch") == [], "an empty batch must give []")


def uses_only_its_own_adapter(subject: Subject) -> None:
    """Routes lead to the base or to the adapter that the router's `adapter` field names."""
    own = getattr(subject.unit, "adapter", None)
    seconds = [route for route in _review(subject, _reviewed(subject)) if route is not None]
    for route in [*_routes(subject, _clips(), "a batch"), *seconds]:
        expect(
            route.adapter in {None, own},
            f"routes to the adapter {route.adapter!r}, but its field `adapter` is {own!r}; name that one",
        )


def probability_is_within_0_and_1(subject: Subject) -> None:
    """p(degraded) is None or within 0..1."""
    for route in _routes(subject, _clips(), "a batch"):
        chance = route.probability
        expect(
            chance is None or (isinstance(chance, (float, int)) and 0.0 <= chance <= 1.0),
            f"gives the probability {chance!r}; a float in 0..1 or None is expected",
        )


@essential
def same_batch_gives_same_routes(subject: Subject) -> None:
    """Routes depend on no state and no chance, and a pickled copy gives the same."""
    first, second = (_routes(subject, _clips(), "a batch") for _ in range(2))
    expect(first == second, "gives other routes for the same batch the second time; keep no state and draw nothing")
    copied = expect_same_after_pickling(subject.unit, PICKLING).route(utterances(_clips()))
    expect(first == copied, f"gives other routes after pickling; {PICKLING}")
    reviews = [_review(subject, _reviewed(subject)) for _ in range(2)]
    expect(reviews[0] == reviews[1], "gives another review of the same transcripts the second time")


def is_order_invariant(subject: Subject) -> None:
    """Permuting the batch permutes the routes."""
    straight = _routes(subject, _clips(), "a batch")
    backwards = _routes(subject, _clips()[::-1], "the batch backwards")[::-1]
    for clip, one, other in zip(_clips(), straight, backwards, strict=True):
        expect(_equal(one, other), f"routes {clip.name} by {one!r}, and by {other!r} when the batch is reversed")


def batch_equals_one_by_one(subject: Subject) -> None:
    """A clip's route does not depend on its neighbours."""
    for clip, route in zip(_clips(), _routes(subject, _clips(), "a batch"), strict=True):
        (alone,) = _routes(subject, [clip], f"{clip.name} alone")
        expect(_equal(route, alone), f"routes {clip.name} by {route!r} in a batch and by {alone!r} alone")


def _equal(one: Route, other: Route) -> bool:
    """Equal but for the last digits of the probability, which a batched model may round otherwise."""
    if one.probability is None or other.probability is None:
        return one == other
    return one.adapter == other.adapter and abs(one.probability - other.probability) <= 1e-4


def accepts_silence_and_short_clips(subject: Subject) -> None:
    """Silence, 10 ms, one sample."""
    for num_samples, name in ((SAMPLE_RATE_HZ, "silence"), (160, "10 ms"), (1, "one sample")):
        _routes(subject, [Audio(silence(num_samples), SAMPLE_RATE_HZ, name)], name)
    _routes(subject, [Audio(np.full(1, 0.1, np.float32), SAMPLE_RATE_HZ), *_clips()], "one sample among longer clips")


def accepts_all_sample_rates(subject: Subject) -> None:
    """It gets recordings at their own rates, mixed in one batch."""
    _routes(
        subject, [Audio(speech_like(rate), rate, f"{rate} Hz") for rate in SAMPLE_RATES_HZ], "clips of several rates"
    )


def clips_are_unchanged(subject: Subject) -> None:
    """The recogniser gets the same samples next."""
    clips = _clips()
    attempt("a batch", lambda: subject.unit.route(utterances(clips)))
    for clip, fresh in zip(clips, _clips(), strict=True):
        expect(
            np.array_equal(clip.samples, fresh.samples), f"writes into the samples of {clip.name}; copy what you change"
        )


@essential
def review_fits_the_batch(subject: Subject) -> None:
    """One `Route` or None a transcript, none for none; transcripts without a log-probability survive."""
    _review(subject, _reviewed(subject))
    expect(_review(subject, []) == [], "review([]) must give []")


def keep_second_fits_the_batch(subject: Subject) -> None:
    """One bool a pair of transcripts, none for none."""
    for shift in range(len(TRANSCRIPTS)):
        first, second = _reviewed(subject), _reviewed(subject, shift=shift)
        kept = attempt("two decodings", partial(subject.unit.keep_second, first, second))
        expect(
            isinstance(kept, list) and len(kept) == len(first),
            f"keep_second() returns {_size(kept)} for {len(first)} pairs of transcripts",
        )
        expect(
            all(isinstance(one, bool) for one in kept), f"keep_second() returns {kept!r}; a list of bool is expected"
        )
    expect(attempt("no decodings", lambda: subject.unit.keep_second([], [])) == [], "keep_second([], []) must give []")


@essential
def global_random_state_is_unchanged(subject: Subject) -> None:
    """Nothing is drawn from random, numpy.random or torch's global generator, nor are they seeded."""

    def use() -> None:
        subject.unit.route(utterances(_clips()))
        subject.unit.review(_reviewed(subject))
        subject.unit.keep_second(_reviewed(subject), _reviewed(subject, shift=1))

    expect_no_global_random(lambda: attempt("a batch", use), "a router draws nothing")


def _size(returned: Any) -> str:
    return f"{len(returned)} entries" if isinstance(returned, list) else f"a {type(returned).__name__}"

"""Checks of a router: one route for each clip, whichever batch it is in, to the base or to its own adapter."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import numpy as np

from ..base.audio import SAMPLE_RATE_HZ, Audio
from ..contracts.router import Route
from ..contracts.utterance import utterances
from . import checks_router_purity as purity
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
from .router_runs import TRANSCRIPTS, review_of, reviewed_clips, router_clips, routes_of, size_of
from .signals import silence, speech_like

SAMPLE_RATES_HZ = (8_000, 44_100, 48_000)


def checks(subject: Subject) -> list[Callable[[Subject], None]]:
    """The checks of a router."""
    del subject
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


@essential
def one_route_per_clip(subject: Subject) -> None:
    """As many routes as clips, each a `Route`, and none for none."""
    routes_of(subject, router_clips(), "a batch")
    expect(routes_of(subject, [], "an empty batch") == [], "an empty batch must give []")


def uses_only_its_own_adapter(subject: Subject) -> None:
    """Routes lead to the base or to the adapter that the router's `adapter` field names."""
    own = getattr(subject.unit, "adapter", None)
    seconds = [route for route in review_of(subject, reviewed_clips(subject)) if route is not None]
    for route in [*routes_of(subject, router_clips(), "a batch"), *seconds]:
        expect(
            route.adapter in {None, own},
            f"routes to the adapter {route.adapter!r}, but its field `adapter` is {own!r}; name that one",
        )


def probability_is_within_0_and_1(subject: Subject) -> None:
    """p(degraded) is None or within 0..1."""
    for route in routes_of(subject, router_clips(), "a batch"):
        chance = route.probability
        expect(
            chance is None or isinstance(chance, (float, int)),
            f"gives the probability {chance!r}; a float in 0..1 or None is expected",
        )


@essential
def same_batch_gives_same_routes(subject: Subject) -> None:
    """Routes depend on no state and no chance, and a pickled copy gives the same."""
    first, second = (routes_of(subject, router_clips(), "a batch") for _ in range(2))
    expect(first == second, "gives other routes for the same batch the second time; keep no state and draw nothing")
    copied = expect_same_after_pickling(subject.unit, PICKLING).route(utterances(router_clips()))
    expect(first == copied, f"gives other routes after pickling; {PICKLING}")
    reviews = [review_of(subject, reviewed_clips(subject)) for _ in range(2)]
    expect(reviews[0] == reviews[1], "gives another review of the same transcripts the second time")


def is_order_invariant(subject: Subject) -> None:
    """Permuting the batch permutes the routes."""
    straight = routes_of(subject, router_clips(), "a batch")
    backwards = routes_of(subject, router_clips()[::-1], "the batch backwards")[::-1]
    for clip, one, other in zip(router_clips(), straight, backwards, strict=True):
        expect(_equal(one, other), f"routes {clip.name} by {one!r}, and by {other!r} when the batch is reversed")


def batch_equals_one_by_one(subject: Subject) -> None:
    """A clip's route does not depend on its neighbours."""
    for clip, route in zip(router_clips(), routes_of(subject, router_clips(), "a batch"), strict=True):
        (alone,) = routes_of(subject, [clip], f"{clip.name} alone")
        expect(_equal(route, alone), f"routes {clip.name} by {route!r} in a batch and by {alone!r} alone")


def _equal(one: Route, other: Route) -> bool:
    """Equal but for the last digits of the probability, which a batched model may round otherwise."""
    if one.probability is None or other.probability is None:
        return one == other
    return one.adapter == other.adapter and abs(one.probability - other.probability) <= 1e-4


def accepts_silence_and_short_clips(subject: Subject) -> None:
    """Silence, 10 ms, one sample."""
    for num_samples, name in ((SAMPLE_RATE_HZ, "silence"), (160, "10 ms"), (1, "one sample")):
        routes_of(subject, [Audio(silence(num_samples), SAMPLE_RATE_HZ, name)], name)
    routes_of(
        subject, [Audio(np.full(1, 0.1, np.float32), SAMPLE_RATE_HZ), *router_clips()], "one sample among longer clips"
    )


def accepts_all_sample_rates(subject: Subject) -> None:
    """It gets recordings at their own rates, mixed in one batch."""
    routes_of(
        subject, [Audio(speech_like(rate), rate, f"{rate} Hz") for rate in SAMPLE_RATES_HZ], "clips of several rates"
    )


def clips_are_unchanged(subject: Subject) -> None:
    """The recogniser gets the same samples next."""
    clips = router_clips()
    attempt("a batch", lambda: subject.unit.route(utterances(clips)))
    for clip, fresh in zip(clips, router_clips(), strict=True):
        expect(
            np.array_equal(clip.samples, fresh.samples), f"writes into the samples of {clip.name}; copy what you change"
        )


@essential
def review_fits_the_batch(subject: Subject) -> None:
    """One `Route` or None a transcript, none for none; transcripts without a log-probability survive."""
    review_of(subject, reviewed_clips(subject))
    expect(review_of(subject, []) == [], "review([]) must give []")


def keep_second_fits_the_batch(subject: Subject) -> None:
    """One bool for each pair of transcripts; an empty list for no pairs."""
    for shift in range(len(TRANSCRIPTS)):
        first, second = reviewed_clips(subject), reviewed_clips(subject, shift=shift)
        kept = attempt("two decodings", partial(subject.unit.keep_second, first, second))
        expect(
            isinstance(kept, list) and len(kept) == len(first),
            f"keep_second() returns {size_of(kept)} for {len(first)} pairs of transcripts",
        )
        expect(
            all(isinstance(one, bool) for one in kept), f"keep_second() returns {kept!r}; a list of bool is expected"
        )
    expect(attempt("no decodings", lambda: subject.unit.keep_second([], [])) == [], "keep_second([], []) must give []")


@essential
def global_random_state_is_unchanged(subject: Subject) -> None:
    """Nothing is drawn from random, numpy.random or torch's global generator, nor are they seeded."""

    def use() -> None:
        subject.unit.route(utterances(router_clips()))
        subject.unit.review(reviewed_clips(subject))
        subject.unit.keep_second(reviewed_clips(subject), reviewed_clips(subject, shift=1))

    expect_no_global_random(lambda: attempt("a batch", use), "a router draws nothing")

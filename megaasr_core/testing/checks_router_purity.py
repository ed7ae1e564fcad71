"""Checks of a router beyond its form: second decodings, long clips, the clock, files, and the bounds of its fields."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from ..base.audio import SAMPLE_RATE_HZ, Audio
from ..contracts.router import Reviewed, Route
from .checks_unit import expect_works_at_bounds
from .guards import expect, expect_no_file_written, expect_same_at_any_time
from .plugin_under_test import Subject
from .router_runs import TRANSCRIPTS, review_of, reviewed_clips, router_clips, routes_of
from .signals import speech_like


def review_asks_for_another_route(subject: Subject) -> None:
    """What a review asks for differs from the first route: decoding again by the same route gives the same text."""
    clips = router_clips()
    first = routes_of(subject, clips, "a batch") * 2  # `reviewed_clips` has the clips with and without a reference
    for shift in range(len(TRANSCRIPTS)):
        seen = [_by_route(one, route) for one, route in zip(reviewed_clips(subject, shift=shift), first, strict=False)]
        for index, (before, second) in enumerate(zip(first, review_of(subject, seen), strict=False)):
            expect(
                second is None or second.adapter != before.adapter,
                f"review() asks to decode {clips[index % len(clips)].name} by {_named(before)} again; "
                "return None, or the other route (one.transcript.adapter tells the first)",
            )


def _by_route(reviewed: Reviewed, route: Route) -> Reviewed:
    return replace(reviewed, transcript=replace(reviewed.transcript, route=route.reason, adapter=route.adapter))


def _named(route: Route) -> str:
    return "the base" if route.adapter is None else f"adapter {route.adapter!r}"


def accepts_long_clips(subject: Subject) -> None:
    """Clips of 5 and 12 seconds, as corpora have them."""
    for duration_s in (5.0, 12.0):
        clip = Audio(speech_like(duration_s=duration_s), SAMPLE_RATE_HZ, f"speech of {duration_s:g} s")
        routes_of(subject, [clip], clip.name)


def clock_is_irrelevant(subject: Subject) -> None:
    """At another time of day, and in another year, routes and reviews are the same."""
    expect_same_at_any_time(subject, _everything(subject), "route by the sound alone")


def no_file_is_written(subject: Subject) -> None:
    """Routing writes no file; many workers route at the same time."""
    expect_no_file_written(_everything(subject), "route() and review() return their results and keep nothing")


def fields_work_at_their_bounds(subject: Subject) -> None:
    """At every bound that a field allows the routes are valid, or the value is refused in one line."""

    def use(at: str, parameters: dict[str, Any]) -> None:
        changed = replace(subject, parameters={**subject.parameters, **parameters})
        routes_of(changed, router_clips(), f"a batch with {at}")
        review_of(changed, reviewed_clips(changed))

    expect_works_at_bounds(subject.thing, use)


def _everything(subject: Subject) -> Callable[[], object]:
    return lambda: (routes_of(subject, router_clips(), "a batch"), review_of(subject, reviewed_clips(subject)))

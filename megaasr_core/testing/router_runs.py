"""How the checks run a router: clips, transcripts to review, and routes held to their form."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ..base.audio import SAMPLE_RATE_HZ, Audio
from ..base.seeding import SampleKey
from ..contracts.backend import Transcript
from ..contracts.router import Reviewed, Route
from ..contracts.utterance import Utterance, utterances
from .guards import attempt, expect
from .plugin_under_test import Subject
from .signals import copies, silence, speech_like, square_wave

TEXT = "the quick brown fox jumps over the lazy dog"
TRANSCRIPTS = (
    Transcript(TEXT, "en", mean_logprob=-0.1, num_tokens=10, duration_s=1.0),
    Transcript("", "en", mean_logprob=-4.0, num_tokens=1, flags=("empty",), duration_s=1.0),
    Transcript("the the the the the the the the", "en", -0.5, 30, True, ("repetitive", "truncated"), 1.0),
    Transcript("今天天气很好", "zh", mean_logprob=None, num_tokens=7, duration_s=1.0),
)


def router_clips() -> list[Audio]:
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


def reviewed_clips(subject: Subject, *, shift: int = 0) -> list[Reviewed]:
    """The clips with transcripts, with and without a reference; another shift pairs them otherwise."""
    clips = router_clips()
    transcripts = [TRANSCRIPTS[(index + shift) % len(TRANSCRIPTS)] for index in range(len(clips))]
    pairs = list(zip(clips, transcripts, strict=True))
    known = [Reviewed(Utterance(clip, reference=TEXT), transcript) for clip, transcript in pairs]
    unknown = [Reviewed(Utterance(clip), transcript) for clip, transcript in pairs]
    return known if subject.thing.needs_reference else [*known, *unknown]


def routes_of(subject: Subject, batch: Sequence[Audio], what: str) -> list[Route]:
    """Route a batch and check the form of each route; AssertionError that says on `what`."""
    routes = attempt(what, lambda: subject.unit.route(utterances(copies(batch))))
    expect(isinstance(routes, list), f"route() returns {type(routes).__name__} on {what}; a list is expected")
    expect(len(routes) == len(batch), f"route() returns {len(routes)} routes for {len(batch)} clips of {what}")
    for route in routes:
        _expect_route(route, "route()")
    checked: list[Route] = routes
    return checked


def _expect_route(route: Any, where: str) -> None:
    expect(isinstance(route, Route), f"{where} returns {route!r}; a Route is expected")
    expect(
        route.adapter is None or (isinstance(route.adapter, str) and route.adapter),
        f"{where} gives the adapter {route.adapter!r}; a name or None (the base) is expected",
    )


def review_of(subject: Subject, reviewed: Sequence[Reviewed]) -> list[Route | None]:
    """Review transcripts and check the form of what is asked for."""
    seconds = attempt(f"the review of {len(reviewed)} transcripts", lambda: subject.unit.review(list(reviewed)))
    expect(
        isinstance(seconds, list) and len(seconds) == len(reviewed),
        f"review() returns {size_of(seconds)} for {len(reviewed)} transcripts; None stands for one that is left alone",
    )
    for second in seconds:
        if second is not None:
            _expect_route(second, "review()")
    checked: list[Route | None] = seconds
    return checked


def size_of(returned: Any) -> str:
    """What was returned, for a message."""
    return f"{len(returned)} entries" if isinstance(returned, list) else f"a {type(returned).__name__}"

"""The kit's checks of a router: good ones pass, and each broken one trips the check that is meant for it."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np
import pytest
from pydantic import Field

from megaasr import Route, Router
from megaasr_core.testing import cases, failures, plugins_of


class Loudness(Router):
    """Send quiet clips to the adapter, and what came back empty."""

    name = "loudness"
    adapter: str = Field("robust", description="name of the adapter")
    min_rms: float = Field(0.02, gt=0.0, description="quieter clips are degraded")

    def route(self, batch):
        return [self.one(clip) for clip in batch]

    def one(self, clip):
        rms = float(np.sqrt(np.mean(clip.samples**2)))
        chance = float(np.clip(1 - rms / (2 * self.min_rms), 0, 1))
        return Route(self.adapter if rms < self.min_rms else None, f"RMS {rms:.3f}", chance)

    def review(self, batch):
        return [None if one.transcript.text else Route(self.adapter, "empty") for one in batch]


class Given(Router):
    """Needs the reference, and has a required field whose example the kit takes."""

    name = "given"
    needs_reference = True
    adapter: str = Field(description="name of the adapter", examples=["robust"])

    def route(self, batch):
        return [Route(None, "base first")] * len(batch)

    def review(self, batch):
        return [Route(self.adapter, f"{len(one.reference)} characters are known") for one in batch]

    def keep_second(self, first, second):
        return [len(b.transcript.text) > len(a.transcript.text) for a, b in zip(first, second, strict=True)]


@pytest.mark.parametrize("router", [Loudness, Given])
def test_good_routers_pass(router):
    assert failures(cases(f"router:{router.name}", plugins=plugins_of(router))) == {}


class Broken(Loudness):
    """Broken."""

    name = "broken"


class UsesGlobalRandom(Broken):
    """Broken."""

    def one(self, clip):
        return Route(None, "a coin") if np.random.random() < 0.5 else Route(self.adapter, "a coin")  # noqa: NPY002


class OneForAll(Broken):
    """Broken."""

    def route(self, batch):
        return [Route(None, "base")]


class Tuples(Broken):
    """Broken."""

    def one(self, clip):
        return (None, "base")


class WithoutReason(Broken):
    """Broken."""

    def one(self, clip):
        return Route(None, "")


class OtherAdapter(Broken):
    """Broken."""

    def one(self, clip):
        return Route("telephone", "my favourite")


class OtherAdapterAtReview(Broken):
    """Broken."""

    def review(self, batch):
        return [Route("telephone", "my favourite") for _ in batch]


class Percent(Broken):
    """Broken."""

    def one(self, clip):
        return Route(None, "percent", 99.0)


class ComparesNeighbours(Broken):
    """Broken."""

    def route(self, batch):
        loudest = max((float(np.max(np.abs(clip.samples))) for clip in batch), default=0.0)
        return [Route(None if np.max(np.abs(clip.samples)) >= loudest else self.adapter, "relative") for clip in batch]


class FirstOfBatch(Broken):
    """Broken."""

    def route(self, batch):
        return [Route(self.adapter if index else None, "place") for index, _ in enumerate(batch)]


class NeedsAFrame(Broken):
    """Broken."""

    def one(self, clip):
        frames = np.lib.stride_tricks.sliding_window_view(clip.samples, 400)
        return Route(None, f"{len(frames)} frames")


class KnowsOneRate(Broken):
    """Broken."""

    def one(self, clip):
        if clip.sample_rate != 16_000:
            raise ValueError("resample first")
        return super().one(clip)


class Normalises(Broken):
    """Broken."""

    def one(self, clip):
        clip.samples[:] *= 2
        return Route(None, "base")


class Remembers(Broken):
    """Broken."""

    seen: ClassVar[list[int]] = []

    def one(self, clip):
        self.seen.append(1)
        return Route(None, f"clip number {len(self.seen)}")


class ReviewsTheLast(Broken):
    """Broken."""

    def review(self, batch):
        return [Route(self.adapter, "last")]


class NeedsLogprob(Broken):
    """Broken."""

    def review(self, batch):
        return [Route(self.adapter, "unsure") if one.transcript.mean_logprob < -1 else None for one in batch]


class KeepsNumpyBools(Broken):
    """Broken."""

    def keep_second(self, first, second):
        return [np.bool_(True) for _ in second]


class KeepsAll(Broken):
    """Broken."""

    def keep_second(self, first, second):
        return True


EVERY_ROUTE = {
    "one_route_a_clip", "adapter_is_its_own", "probability_is_one", "same_batch_gives_same_routes", "order_is_nothing",
    "batch_equals_one_by_one", "silence_and_short_clips_survive", "sample_rates_survive",
}  # fmt: skip
REVIEWS = {"adapter_is_its_own", "same_batch_gives_same_routes", "review_fits_the_batch"}
BROKEN: list[tuple[type[Broken], set[str], str]] = [
    (
        UsesGlobalRandom,
        {
            "same_batch_gives_same_routes",
            "order_is_nothing",
            "batch_equals_one_by_one",
            "global_random_state_is_kept",
        },
        "numpy.random",
    ),
    (OneForAll, EVERY_ROUTE, "route() returns 1 routes for 7 clips"),
    (Tuples, EVERY_ROUTE, "a Route is expected"),
    (WithoutReason, EVERY_ROUTE, "without a reason"),
    (OtherAdapter, {"adapter_is_its_own"}, "routes to the adapter 'telephone', but its field `adapter` is 'robust'"),
    (OtherAdapterAtReview, {"adapter_is_its_own"}, "routes to the adapter 'telephone'"),
    (Percent, {"probability_is_one"}, "0..1"),
    (ComparesNeighbours, {"batch_equals_one_by_one"}, "alone"),
    (FirstOfBatch, {"order_is_nothing", "batch_equals_one_by_one"}, "turned round"),
    (NeedsAFrame, {"silence_and_short_clips_survive"}, "ValueError on 10 ms"),
    (KnowsOneRate, {"sample_rates_survive"}, "resample first"),
    (Normalises, {"clips_are_kept"}, "writes into the samples of speech"),
    (
        Remembers,
        {"same_batch_gives_same_routes", "order_is_nothing", "batch_equals_one_by_one"},
        "keep no state",
    ),
    (ReviewsTheLast, REVIEWS, "review() returns 1 entries for 14 transcripts"),
    (NeedsLogprob, {*REVIEWS, "global_random_state_is_kept"}, "TypeError on the review of 14 transcripts"),
    (KeepsNumpyBools, {"keep_second_fits_the_batch"}, "a list of bool is expected"),
    (KeepsAll, {"keep_second_fits_the_batch"}, "keep_second() returns a bool"),
]


@pytest.mark.parametrize(("router", "tripped", "says"), BROKEN, ids=[one.__name__ for one, *_ in BROKEN])
def test_broken_router_trips(router: Any, tripped: set[str], says: str):
    failed = failures(cases("router:broken", plugins=plugins_of(router)))
    if router is UsesGlobalRandom:  # which of them a coin trips is chance; the watch on the coin is not
        assert "global_random_state_is_kept" in failed
        assert set(failed) <= tripped
    else:
        assert set(failed) == tripped
    assert any(says in line for line in failed.values()), failed
    assert all(line.startswith("router broken: ") and "\n" not in line for line in failed.values())

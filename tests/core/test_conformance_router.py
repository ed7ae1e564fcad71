"""The kit's checks of a router: good ones pass, and each broken one trips the check that is meant for it."""

from __future__ import annotations

import tempfile
from datetime import datetime
from typing import Any, ClassVar

import numpy as np
import pytest
import soundfile
from pydantic import Field

from megaasr import Route, Router
from megaasr_core.testing import cases, failures, plugins_of


def now():
    return datetime.now()


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
        return [self.again(one.transcript) for one in batch]

    def again(self, transcript):
        if transcript.text:
            return None
        return Route(self.adapter, "empty") if transcript.adapter is None else Route(None, "empty")


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


class NumpyProbability(Broken):
    """Broken: a number that JSON cannot hold."""

    def one(self, clip):
        return Route(None, "a coin", np.float32(0.5))


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


class AsksForTheSame(Broken):
    """Broken: decodes again as it did before, for ever."""

    def again(self, transcript):
        return Route(transcript.adapter, "once more")


class FailsAtFiveSeconds(Broken):
    """Broken."""

    def one(self, clip):
        if clip.duration_s >= 5.0:
            raise MemoryError("too long")
        return super().one(clip)


class RoutesByDay(Broken):
    """Broken: with clocks that it imported by name."""

    def one(self, clip):
        return Route(None, f"{now().toordinal()}: {type(now()).__name__}")


class KeepsTheClips(Broken):
    """Broken: through a library in C, which opens the file itself."""

    def one(self, clip):
        soundfile.write(tempfile.gettempdir() + "/clip.wav", clip.samples, clip.sample_rate)
        return super().one(clip)


class DividesByItsField(Broken):
    """Broken."""

    steepness: float = Field(1.0, ge=0.0, le=9.0, description="of the curve")

    def one(self, clip):
        return Route(None, f"{1.0 / self.steepness}")


class KeepsNumpyBools(Broken):
    """Broken."""

    def keep_second(self, first, second):
        return [np.bool_(True) for _ in second]


class KeepsAll(Broken):
    """Broken."""

    def keep_second(self, first, second):
        return True


BROKEN: list[tuple[type[Broken], set[str], str]] = [
    (UsesGlobalRandom, {"global_random_state_is_unchanged"}, "numpy.random"),
    (OneForAll, {"one_route_per_clip"}, "route() returns 1 routes for 7 clips"),
    (Tuples, {"one_route_per_clip"}, "a Route is expected"),
    (WithoutReason, {"one_route_per_clip"}, "Route: reason = ''; a text that is not empty is expected"),
    (
        OtherAdapter,
        {"uses_only_its_own_adapter"},
        "routes to the adapter 'telephone', but its field `adapter` is 'robust'",
    ),
    (OtherAdapterAtReview, {"uses_only_its_own_adapter"}, "routes to the adapter 'telephone'"),
    (NumpyProbability, {"probability_is_within_0_and_1"}, "a float in 0..1 or None is expected"),
    (Percent, {"one_route_per_clip"}, "is outside 0..1"),
    (ComparesNeighbours, {"batch_equals_one_by_one"}, "alone"),
    (FirstOfBatch, {"is_order_invariant", "batch_equals_one_by_one"}, "is reversed"),
    (NeedsAFrame, {"accepts_silence_and_short_clips"}, "ValueError on 10 ms"),
    (FailsAtFiveSeconds, {"accepts_long_clips"}, "MemoryError on speech of 5 s"),
    (KnowsOneRate, {"accepts_all_sample_rates"}, "resample first"),
    (Normalises, {"clips_are_unchanged"}, "writes into the samples of speech"),
    (Remembers, {"same_batch_gives_same_routes"}, "keep no state"),
    (ReviewsTheLast, {"review_fits_the_batch"}, "review() returns 1 entries for 14 transcripts"),
    (NeedsLogprob, {"review_fits_the_batch"}, "TypeError on the review of 14 transcripts"),
    (AsksForTheSame, {"review_asks_for_another_route"}, "asks to decode speech by the base again"),
    (KeepsNumpyBools, {"keep_second_fits_the_batch"}, "a list of bool is expected"),
    (KeepsAll, {"keep_second_fits_the_batch"}, "keep_second() returns a bool"),
    (RoutesByDay, {"clock_is_irrelevant"}, "depends on the clock"),
    (KeepsTheClips, {"no_file_is_written"}, "writes the file"),
    (DividesByItsField, {"fields_work_at_their_bounds"}, "ZeroDivisionError on a batch with steepness = 0.0"),
]


@pytest.mark.parametrize(("router", "tripped", "says"), BROKEN, ids=[one.__name__ for one, *_ in BROKEN])
def test_broken_router_trips(router: Any, tripped: set[str], says: str):
    failed = failures(cases("router:broken", plugins=plugins_of(router)))
    assert set(failed) == tripped
    assert len(failed) <= 3
    assert any(says in line for line in failed.values()), failed
    assert all(line.startswith("router broken: ") and "\n" not in line for line in failed.values())

"""The kit's checks of a backend, on a small fake one; each fault trips the check that is meant for it."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np
import pytest

from megaasr import Transcript
from megaasr_core.base.errors import BackendError
from megaasr_core.testing import cases, failures, plugins_of
from tests.core.fake_backend import Broken, Syllables, assert_trips


def test_a_good_backend_passes(adapter):
    plugins = plugins_of(Syllables)
    assert failures(cases("backend:syllables", plugins=plugins, adapter=adapter)) == {}
    assert failures(cases("backend:syllables", plugins=plugins, backend=Syllables(scale=90.0))) == {}


def test_a_backend_can_come_from_a_fixture(adapter):
    class Loud(Syllables):
        """Broken by its setting only."""

        def words(self, clip, scale):
            return ["ah"] * (1000 if scale > 500 else 1)

        def refuse(self, clip, adapter):
            if self.scale > 1000:
                raise MemoryError("scale")
            super().refuse(clip, adapter)

    (case,) = (
        one for one in cases("backend:syllables", plugins=plugins_of(Loud)) if one.name == "one_transcript_per_clip"
    )
    case()
    with pytest.raises(AssertionError, match="MemoryError on a batch"):
        case(backend=Loud(scale=2000.0))


class HearsThePadding(Broken):
    """Broken: pads to the longest of the batch and hears that."""

    def transcribe(self, batch, options, adapters=None):
        heard = super().transcribe(batch, options, adapters)
        longest = max((clip.duration_s for clip in batch), default=0.0)
        return [
            Transcript(f"{one.text} {longest:g}", "en", num_tokens=1, duration_s=one.duration_s, adapter=one.adapter)
            for one in heard
        ]


class TellsThePaddedLength(Broken):
    """Broken."""

    def transcribe(self, batch, options, adapters=None):
        heard = super().transcribe(batch, options, adapters)
        longest = max((clip.duration_s for clip in batch), default=0.0)
        return [Transcript(one.text, "en", duration_s=longest, adapter=one.adapter) for one in heard]


class DropsSilence(Broken):
    """Broken."""

    def transcribe(self, batch, options, adapters=None):
        return [one for one in super().transcribe(batch, options, adapters) if one.text]


class FailsOnSilence(Broken):
    """Broken."""

    def words(self, clip, scale):
        return (
            [str(1 / np.max(np.abs(clip.samples)).item())] if len(clip.samples) < 16_000 else super().words(clip, scale)
        )


class FailsOnNothing(Broken):
    """Broken."""

    def transcribe(self, batch, options, adapters=None):
        np.stack([clip.samples[:100] for clip in batch])
        return super().transcribe(batch, options, adapters)


class TakesAnyRate(Broken):
    """Broken."""

    def refuse(self, clip, adapter):
        if clip.sample_rate == self.sample_rate:
            super().refuse(clip, adapter)


class RefusesRatesWithValueError(Broken):
    """Broken."""

    def refuse(self, clip, adapter):
        if clip.sample_rate != self.sample_rate:
            raise ValueError("rate")
        super().refuse(clip, adapter)


class HearsTheBeginning(Broken):
    """Broken."""

    def refuse(self, clip, adapter):
        if clip.duration_s <= self.max_duration_s:
            super().refuse(clip, adapter)


class FallsBackToTheBase(Broken):
    """Broken."""

    def one(self, clip, options, adapter):
        return super().one(clip, options, adapter if adapter in self._adapters else None)


class UnmountsAnything(Broken):
    """Broken."""

    def unmount(self, name):
        self._adapters.pop(name, None)


class TalksWithoutEnd(Broken):
    """Broken."""

    def one(self, clip, options, adapter):
        self.refuse(clip, adapter)
        words = self.words(clip, self.scale)
        return Transcript(" ".join(words), "en", num_tokens=len(words), duration_s=clip.duration_s, adapter=adapter)


class Samples(Broken):
    """Broken."""

    calls: ClassVar[list[int]] = []

    def words(self, clip, scale):
        self.calls.append(1)
        return [str(len(self.calls))]


class UsesGlobalRandom(Broken):
    """Broken."""

    def words(self, clip, scale):
        np.random.random()  # noqa: NPY002
        return super().words(clip, scale)


class UnsortedFlags(Broken):
    """Broken."""

    def one(self, clip, options, adapter):
        heard = super().one(clip, options, adapter)
        return Transcript(heard.text, "en", duration_s=heard.duration_s, flags=("truncated", "empty"), adapter=adapter)


class ScalesItsInput(Broken):
    """Broken."""

    def words(self, clip, scale):
        words = super().words(clip, scale)
        clip.samples[:] = clip.samples * 2 if clip.samples.flags.writeable else 0
        return words


class WithoutRate(Broken):
    """Broken."""

    sample_rate = "sixteen thousand"


class WithoutLimit(Broken):
    """Broken."""

    max_duration_s = 0.0


class FailsAtItsLimit(Broken):
    """Broken."""

    def refuse(self, clip, adapter):
        if clip.duration_s == self.max_duration_s:
            raise MemoryError("too long")
        super().refuse(clip, adapter)


class CannotLoad(Broken):
    """Broken."""

    def load(self):
        raise BackendError("no weights")


BROKEN: list[tuple[type[Broken], set[str], str]] = [
    (HearsThePadding, {"batch_equals_one_by_one"}, "ah 2.5' of speech in a batch and '"),
    (TellsThePaddedLength, {"duration_is_reported"}, "says that speech lasts 2.5 s; it lasts 1 s"),
    (DropsSilence, {"one_transcript_per_clip"}, "4 transcripts for 5 clips"),
    (FailsOnSilence, {"accepts_silence_and_short_clips"}, "ZeroDivisionError on 20 ms"),
    (FailsOnNothing, {"one_transcript_per_clip"}, "ValueError on an empty batch"),
    (TakesAnyRate, {"other_rate_is_refused"}, "takes a clip at 8000 Hz"),
    (RefusesRatesWithValueError, {"other_rate_is_refused"}, "ValueError on a clip at 8000 Hz: rate; BackendError is"),
    (HearsTheBeginning, {"too_long_is_refused"}, "takes 6 s, a second above"),
    (FallsBackToTheBase, {"unknown_adapter_is_refused"}, "takes an adapter that is not mounted"),
    (UnmountsAnything, {"unknown_adapter_is_refused"}, "takes unmounting what is not mounted"),
    (TalksWithoutEnd, {"tokens_are_bounded"}, "options.max_tokens allows"),
    (Samples, {"same_batch_gives_same_transcripts"}, "sample"),
    (UsesGlobalRandom, {"global_random_state_is_unchanged"}, "numpy.random"),
    (UnsortedFlags, {"one_transcript_per_clip"}, "a sorted tuple is expected"),
    (ScalesItsInput, {"clips_are_unchanged"}, "writes into the samples of speech"),
    (WithoutRate, {"describes_its_input"}, "sample_rate is 'sixteen thousand'"),
    (WithoutLimit, {"describes_its_input"}, "max_duration_s is 0.0"),
    (FailsAtItsLimit, {"accepts_the_longest_clip"}, "MemoryError on speech of 5 s, which info.max_duration_s allows"),
    (CannotLoad, {"can_be_loaded"}, "BackendError on loading"),
]


@pytest.mark.parametrize(("backend", "tripped", "says"), BROKEN, ids=[one.__name__ for one, *_ in BROKEN])
def test_broken_backend_trips(backend: Any, tripped: set[str], says: str, adapter):
    assert_trips(backend, tripped, says, adapter)


def test_a_backend_that_does_not_describe_its_input_fails_one_check_and_is_collected(tmp_path):
    """A class without `info`, as a newcomer may write it, is refused when it is registered."""
    path = tmp_path / "bare.py"
    path.write_text(BARE)
    failed = failures(cases("backend:bare", [path]))
    assert set(failed) == {"can_be_checked"}
    assert "backend bare does not define: info" in failed["can_be_checked"]


BARE = """
from typing import ClassVar
from megaasr import Backend, hookimpl

class Bare(Backend):
    name: ClassVar[str] = "bare"

    def load(self): ...
    def transcribe(self, batch, options, adapters=None): return []
    def mount(self, name, folder): ...
    def unmount(self, name): ...
    def mounted(self): return ()

@hookimpl
def register_backends(register):
    register(Bare)
"""

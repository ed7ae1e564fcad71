"""The kit's checks of a backend, on a small fake one; each fault trips the check that is meant for it."""

from __future__ import annotations

from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pytest
from pydantic import Field, PrivateAttr

from megaasr import Backend, BackendInfo, Transcript
from megaasr_core.base.errors import AdapterError, BackendError, unknown_name
from megaasr_core.contracts.backend import AdapterReport
from megaasr_core.testing import cases, failures, plugins_of

WORDS = ("ah", "eh", "oh", "uh")


class Syllables(Backend):
    """A fake recogniser: one token for each tenth of a second, chosen by its level."""

    name: ClassVar[str] = "syllables"
    sample_rate: ClassVar[int] = 16_000
    max_duration_s: ClassVar[float] = 5.0
    scale: float = Field(200.0, gt=0.0, description="levels to words")
    _adapters: dict[str, float] = PrivateAttr(default_factory=dict)

    @property
    def info(self):
        return BackendInfo(self.sample_rate, self.max_duration_s)

    def load(self):
        pass

    def transcribe(self, batch, options, adapters=None):
        return [
            self.one(clip, options, name) for clip, name in zip(batch, adapters or [None] * len(batch), strict=True)
        ]

    def one(self, clip, options, adapter):
        self.refuse(clip, adapter)
        words = self.words(clip, self.scale * (self._adapters[adapter] if adapter else 1.0))
        bound = options.max_tokens(clip.duration_s)
        return Transcript(
            " ".join(words[:bound]),
            "en",
            mean_logprob=-0.5,
            num_tokens=min(len(words), bound),
            truncated=len(words) > bound,
            duration_s=clip.duration_s,
            adapter=adapter,
        )

    def refuse(self, clip, adapter):
        if clip.sample_rate != self.sample_rate:
            raise BackendError(f"{clip.name}: {clip.sample_rate} Hz; resample to {self.sample_rate} Hz")
        if clip.duration_s > self.max_duration_s:
            raise BackendError(f"{clip.name}: longer than {self.max_duration_s:g} s; cut it")
        if adapter is not None and adapter not in self._adapters:
            raise unknown_name("adapter", adapter, self._adapters)

    def words(self, clip, scale):
        frames = [clip.samples[start : start + 1600] for start in range(0, len(clip.samples), 1600)]
        levels = [int(scale * np.sqrt(np.mean(frame**2))) for frame in frames]
        return [WORDS[level % len(WORDS)] for level in levels if level]

    def mount(self, name, folder):
        path = Path(folder) / "factor.txt"
        if not path.is_file():
            raise AdapterError(f"{folder}: no factor.txt")
        self._adapters[name] = float(path.read_text(encoding="utf-8"))
        return AdapterReport(name, 1, 1, ("scale",))

    def unmount(self, name):
        if name not in self._adapters:
            raise unknown_name("adapter", name, self._adapters)
        del self._adapters[name]

    def mounted(self):
        return tuple(sorted(self._adapters))


@pytest.fixture
def adapter(tmp_path):
    (tmp_path / "factor.txt").write_text("2.0", encoding="utf-8")
    return tmp_path


def test_a_good_backend_passes(adapter):
    plugins = plugins_of(Syllables)
    assert failures(cases("backend:syllables", plugins=plugins, adapter=adapter)) == {}
    assert failures(cases("backend:syllables", plugins=plugins, backend=Syllables(scale=90.0))) == {}


def test_mounting_is_checked_only_where_an_adapter_is_given(adapter):
    plugins = plugins_of(Syllables)
    without = {case.name for case in cases("backend:syllables", plugins=plugins)}
    given = {case.name for case in cases("backend:syllables", plugins=plugins, adapter=adapter)}
    assert given - without == {"mounting_leaves_the_base_unchanged"}


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


class Broken(Syllables):
    """Broken."""

    name: ClassVar[str] = "broken"


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


class ListsItsAdapters(Broken):
    """Broken."""

    def mounted(self):
        return list(self._adapters)


class KeepsTheAdapter(Broken):
    """Broken: mounting changes the base for good."""

    _factor: float = PrivateAttr(1.0)

    def words(self, clip, scale):
        return super().words(clip, scale * self._factor)

    def mount(self, name, folder):
        self._factor *= 3.0
        return super().mount(name, folder)


class ForgetsTheAdapter(Broken):
    """Broken: does not say which adapter heard it."""

    def one(self, clip, options, adapter):
        heard = super().one(clip, options, adapter)
        return Transcript(heard.text, heard.language, num_tokens=heard.num_tokens, duration_s=heard.duration_s)


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


class MountsAnything(Broken):
    """Broken: reads the adapter when it is first used."""

    def mount(self, name, folder):
        self._adapters[name] = 1.0
        return AdapterReport(name, 1, 1, ("scale",))


class MountsTheEmpty(Broken):
    """Broken."""

    def mount(self, name, folder):
        if Path(folder).is_dir() and not any(Path(folder).iterdir()):
            return AdapterReport(name, 0, 0, ())
        return super().mount(name, folder)


class CannotReadGarbage(Broken):
    """Broken."""

    def mount(self, name, folder):
        for path in sorted(Path(folder).glob("*.json")):
            path.read_text(encoding="utf-8")
        return super().mount(name, folder)


class KeepsTheRefused(Broken):
    """Broken."""

    def mount(self, name, folder):
        self._adapters[name] = 1.0
        return super().mount(name, folder)


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
    (ListsItsAdapters, {"mounted_is_sorted", "mounting_leaves_the_base_unchanged"}, "a sorted tuple is expected"),
    (KeepsTheAdapter, {"mounting_leaves_the_base_unchanged"}, "the base hears"),
    (ForgetsTheAdapter, {"mounting_leaves_the_base_unchanged"}, "names the adapters"),
    (UnsortedFlags, {"one_transcript_per_clip"}, "a sorted tuple is expected"),
    (ScalesItsInput, {"clips_are_unchanged"}, "writes into the samples of speech"),
    (MountsAnything, {"wrong_adapters_are_refused"}, "takes mounting a folder that does not exist"),
    (MountsTheEmpty, {"wrong_adapters_are_refused"}, "takes mounting an empty folder"),
    (CannotReadGarbage, {"wrong_adapters_are_refused"}, "UnicodeDecodeError on mounting a folder of files that are no"),
    (KeepsTheRefused, {"wrong_adapters_are_refused"}, "mounted() gives ('kit-wrong',) after the refusal"),
    (WithoutRate, {"describes_its_input"}, "sample_rate is 'sixteen thousand'"),
    (WithoutLimit, {"describes_its_input"}, "max_duration_s is 0.0"),
    (FailsAtItsLimit, {"accepts_the_longest_clip"}, "MemoryError on speech of 5 s, which info.max_duration_s allows"),
    (CannotLoad, {"can_be_loaded"}, "BackendError on loading"),
]


@pytest.mark.parametrize(("backend", "tripped", "says"), BROKEN, ids=[one.__name__ for one, *_ in BROKEN])
def test_broken_backend_trips(backend: Any, tripped: set[str], says: str, adapter):
    failed = failures(cases("backend:broken", plugins=plugins_of(backend), adapter=adapter))
    assert set(failed) == tripped
    assert len(failed) <= 3
    assert any(says in line for line in failed.values()), failed
    assert all(line.startswith("backend broken: ") and "\n" not in line for line in failed.values())


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

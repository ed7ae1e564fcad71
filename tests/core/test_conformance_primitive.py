"""The kit's checks of a primitive: good ones pass, and each broken one trips the check that is meant for it."""

from __future__ import annotations

import os
import random
import tempfile
import time
from collections import Counter
from datetime import date
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pytest
import soundfile
from pydantic import Field

from megaasr import Degradation, ParameterError, Primitive, Range, Role, step
from megaasr_core.base.sound_bank import SoundRef
from megaasr_core.testing import cases, failures, plugins_of


class Gain(Primitive):
    """Change the level by a fixed number of dB."""

    name = "gain"
    changes = frozenset({"level"})
    gain_db: float = Field(-6.0, ge=-60.0, le=20.0, description="positive is louder")

    def apply(self, samples, sample_rate, context):
        return (samples * 10 ** (self.gain_db / 20)).astype(np.float32)


class Hiss(Primitive):
    """White noise at a signal-to-noise ratio; drawn while rendering, and measured exactly."""

    name = "hiss"
    changes = frozenset({"level"})
    stacks = True
    snr_db: float = Field(ge=-20.0, le=40.0, description="speech power over noise power, in dB", examples=[10.0])

    def apply(self, samples, sample_rate, context):
        noise = context.rng.standard_normal(len(samples))
        power = np.mean(np.square(samples, dtype=np.float64)) if len(samples) else 0.0
        if power == 0.0:
            context.flag("silent")
            return samples.copy()
        noise *= np.sqrt(power / np.mean(noise**2)) * 10 ** (-self.snr_db / 20)
        return (samples + noise).astype(np.float32)


class Babble(Primitive):
    """A recorded sound, chosen while planning; `loudness` has to be given."""

    name = "babble"
    banks = ("babble",)
    changes = frozenset({"level"})
    sound: SoundRef = Field(
        description="which sound", examples=[{"path": "not/in/any/bank.wav", "digest": "0123456789abcdef"}]
    )
    loudness: float = Field(ge=0.0, le=1.0, description="factor", examples=[0.5])

    @classmethod
    def draw(cls, parameters, context):
        sound = parameters.get("sound") or context.bank("babble").pick(context.rng)
        return {**parameters, "sound": sound, "loudness": min(parameters["loudness"], 1.0)}

    def apply(self, samples, sample_rate, context):
        sound = context.load("babble", self.sound, sample_rate)
        return samples + np.float32(self.loudness) * np.resize(sound, len(samples))


class Halve(Primitive):
    """Keep every second sample: declares that length, timing and level change."""

    name = "halve"
    changes = frozenset({"length", "timing", "level"})

    def apply(self, samples, sample_rate, context):
        return np.ascontiguousarray(samples[::2])


@pytest.mark.parametrize("primitive", [Gain, Hiss, Babble, Halve])
def test_good_primitives_pass(primitive):
    assert failures(cases(f"primitive:{primitive.name}", plugins=plugins_of(primitive))) == {}


class Broken(Primitive):
    """Base of the broken ones; by itself it does nothing, and passes."""

    name: ClassVar[str] = "broken"

    def apply(self, samples, sample_rate, context):
        return samples


class WritesIntoItsInput(Broken):
    """Broken."""

    def apply(self, samples, sample_rate, context):
        samples[:100] = 0.0
        return samples


class ReturnsFloat64(Broken):
    """Broken."""

    def apply(self, samples, sample_rate, context):
        return samples.astype(np.float64)


class ReturnsStrided(Broken):
    """Broken."""

    def apply(self, samples, sample_rate, context):
        return np.repeat(samples, 2)[::2]


class DropsSamples(Broken):
    """Broken."""

    def apply(self, samples, sample_rate, context):
        return samples[: len(samples) - len(samples) % 512].copy()


class ChangesLevel(Broken):
    """Broken."""

    def apply(self, samples, sample_rate, context):
        return samples * np.float32(0.9)


class Delays(Broken):
    """Broken."""

    def apply(self, samples, sample_rate, context):
        return np.pad(samples, (3, 0))[: len(samples)]


class DividesBySilence(Broken):
    """Broken."""

    def apply(self, samples, sample_rate, context):
        rms = np.sqrt(np.mean(samples**2)) if len(samples) else np.float32(1.0)
        with np.errstate(all="ignore"):
            return samples / rms * rms


class NeedsASecondSample(Broken):
    """Broken."""

    def apply(self, samples, sample_rate, context):
        return samples * (samples[1] * 0 + 1)


class OverflowsAtFullScale(Broken):
    """Broken."""

    def apply(self, samples, sample_rate, context):
        with np.errstate(over="ignore", invalid="ignore"):
            loud = np.where(np.abs(samples) > 0.99, np.float32(1e38) * np.float32(10) * samples, samples)
        return loud.astype(np.float32)


class KnowsOneRate(Broken):
    """Broken."""

    def apply(self, samples, sample_rate, context):
        if sample_rate > 16_000:
            raise ValueError("too fast")
        return samples


class UsesNumpyGlobal(Broken):
    """Broken."""

    def apply(self, samples, sample_rate, context):
        return samples + np.float32(1e-9) * np.random.standard_normal(len(samples)).astype(np.float32)  # noqa: NPY002


class SeedsNumpyGlobal(Broken):
    """Broken: always the same bits, at everybody else's cost."""

    def apply(self, samples, sample_rate, context):
        np.random.seed(0)  # noqa: NPY002
        return samples


class UsesPythonGlobal(Broken):
    """Broken."""

    def apply(self, samples, sample_rate, context):
        return samples + np.float32(1e-4) * (np.arange(len(samples)) == random.randrange(1000)).astype(np.float32)


class UsesTorchGlobal(Broken):
    """Broken."""

    def apply(self, samples, sample_rate, context):
        import torch

        torch.rand(1)
        return samples


class DrawsUnseeded(Broken):
    """Broken: touches no global state, and yet no two calls agree."""

    def apply(self, samples, sample_rate, context):
        return samples + np.float32(1e-4) * np.random.default_rng().standard_normal(len(samples)).astype(np.float32)


class DrawsForNothing(Broken):
    """Broken: draws, but with a generator of its own as the source."""

    def apply(self, samples, sample_rate, context):
        context.rng.random()
        noise = np.random.default_rng(0).standard_normal(len(samples))
        return samples + np.float32(1e-5) * noise.astype(np.float32)


class CountsItsCalls(Broken):
    """Broken: state on the class."""

    calls: ClassVar[Counter[str]] = Counter()

    def apply(self, samples, sample_rate, context):
        self.calls["apply"] += 1
        return samples + np.float32(1e-6 * self.calls["apply"])


class DrawsByClock(Broken):
    """Broken: the plan differs from one moment to the next."""

    moment_ns: int = Field(0, description="when")

    @classmethod
    def draw(cls, parameters, context):
        return {**parameters, "moment_ns": time.perf_counter_ns()}


class DrawsIntoItsArguments(Broken):
    """Broken."""

    offset: int = Field(0, description="where from")

    @classmethod
    def draw(cls, parameters, context):
        parameters["offset"] = int(context.rng.integers(1000))
        return parameters

    def apply(self, samples, sample_rate, context):
        return samples + np.float32(1e-6 * self.offset)


class MissesItsSnr(Hiss):
    """Broken: takes the noise's nominal power for the real one, and half of it."""

    name = "broken"

    def apply(self, samples, sample_rate, context):
        noisy = super().apply(samples, sample_rate, context)
        return samples + np.float32(0.5) * (noisy - samples)


class SaysNothingOfItsField(Broken):
    """Broken."""

    depth: float = Field(0.5, ge=0.0, le=1.0)


class HasAnOpaqueField(Broken):
    """Broken: JSON gives the tuple back as a list, which the strict field refuses."""

    pair: tuple[int, int] = Field((1, 2), description="two numbers", strict=True)


class CannotBePickled(Broken):
    """Broken."""

    def __reduce__(self):
        raise TypeError("not today")


class Undocumented(Broken):
    pass


class HasNoExample(Broken):
    """Broken for the kit only: says not what to try."""

    depth: float = Field(gt=0.0, le=1.0, description="how deep")


class CachesByLength(Broken):
    """Broken: gives another clip's audio when the length is the same."""

    known: ClassVar[dict[int, Any]] = {}

    def apply(self, samples, sample_rate, context):
        return self.known.setdefault(len(samples), samples.copy()).copy()


class CachesByParameters(Broken):
    """Broken: its numbers alone are the key; the length is mended."""

    changes = frozenset({"level", "timing", "length"})
    depth: float = Field(0.5, ge=0.0, le=1.0, description="how deep")
    known: ClassVar[dict[float, Any]] = {}

    def apply(self, samples, sample_rate, context):
        return np.resize(self.known.setdefault(self.depth, samples + np.float32(0.01)), len(samples))


class CachesByArray(Broken):
    """Broken: an array that is filled again is taken for the one before, for as long as nobody asks for another."""

    last: ClassVar[list[Any]] = [None, None]

    def apply(self, samples, sample_rate, context):
        if self.last[0] is not samples:
            self.last[:] = samples, samples.copy()
        return self.last[1].copy()


class CachesByBeginning(Broken):
    """Broken: hashes the first samples only."""

    known: ClassVar[dict[bytes, Any]] = {}

    def apply(self, samples, sample_rate, context):
        return self.known.setdefault(samples[:4_000].tobytes() + bytes(len(samples)), samples.copy()).copy()


class DividesByItsField(Broken):
    """Broken: NaN at a number that the bounds allow."""

    changes = frozenset({"level"})
    softness: float = Field(0.5, ge=0.0, le=1.0, description="of the knee")

    def apply(self, samples, sample_rate, context):
        with np.errstate(all="ignore"):
            return (samples / np.float32(self.softness) * np.float32(self.softness)).astype(np.float32)


class OverflowsAtItsUpperBound(Broken):
    """Broken: infinite at the largest number, just inside an exclusive bound."""

    changes = frozenset({"level"})
    boost_db: float = Field(0.0, ge=0.0, lt=900.0, description="gain")

    def apply(self, samples, sample_rate, context):
        with np.errstate(all="ignore"):
            return (samples * 10 ** (self.boost_db / 20)).astype(np.float32)


class RefusesItsBound(Broken):
    """Sound: legal by the field, refused in one line by the primitive."""

    cutoff_hz: float = Field(100.0, gt=0.0, le=96_000.0, description="of the filter")

    def apply(self, samples, sample_rate, context):
        if self.cutoff_hz >= sample_rate / 2:
            raise ParameterError(f"primitive broken: cutoff_hz = {self.cutoff_hz:g} must be below half the sample rate")
        return samples


class FailsAtFiveSeconds(Broken):
    """Broken."""

    def apply(self, samples, sample_rate, context):
        return samples[: 5 * sample_rate - 1].copy()


class FailsAtTwelveSeconds(Broken):
    """Broken."""

    def apply(self, samples, sample_rate, context):
        if len(samples) > 10 * sample_rate:
            raise MemoryError("too long")
        return samples


class DependsOnTheHour(Broken):
    """Broken."""

    changes = frozenset({"level"})

    def apply(self, samples, sample_rate, context):
        return samples * np.float32(1 + int(time.time() // 1_000) % 997 / 10_000)


class DependsOnTheYear(Broken):
    """Broken: with a clock that it imported by name."""

    changes = frozenset({"level"})

    def apply(self, samples, sample_rate, context):
        return samples * np.float32(date.today().year / 2_000)


class WritesAFile(Broken):
    """Broken."""

    def apply(self, samples, sample_rate, context):
        (Path(tempfile.gettempdir()) / "last.npy").write_bytes(samples.tobytes())
        return samples


class WritesAtHome(Broken):
    """Broken."""

    def apply(self, samples, sample_rate, context):
        with os.fdopen(os.open(Path.home() / "megaasr-kit-test.log", os.O_CREAT | os.O_WRONLY), "w") as file:
            file.write("applied")
        return samples


class WritesThroughALibrary(Broken):
    """Broken: the file is opened in C."""

    def apply(self, samples, sample_rate, context):
        soundfile.write(tempfile.gettempdir() + "/last.wav", samples, sample_rate)
        return samples


class GainOfAMillion(Broken):
    """Broken, although it declares that the level changes."""

    changes = frozenset({"level"})

    def apply(self, samples, sample_rate, context):
        return samples * np.float32(1e6)


class HalfRealTime(Broken):
    """Broken: its processor time is counted and not spent."""

    cpu_s: ClassVar[list[float]] = [0.0]

    def apply(self, samples, sample_rate, context):
        self.cpu_s[0] += 0.51 * len(samples) / sample_rate
        return samples


class HasNoBounds(Broken):
    """Broken."""

    snr: float = Field(10.0, description="in dB")
    delay_s: float | None = Field(None, ge=0.0, description="in seconds")


class HasNoUnit(Broken):
    """Broken."""

    delay: float = Field(10.0, ge=0.0, le=100.0, description="in milliseconds")


class GivesReasons(Broken):
    """Sound: names with units, shares, words without unit, and a reason where there is no bound."""

    delay_ms: float = Field(10.0, ge=0.0, description="time", json_schema_extra={"unbounded": "as long as the clip"})
    clicks_per_s: float = Field(1.0, ge=0.0, le=99.0, description="rate")
    curve_exponent: float = Field(2.0, ge=0.0, le=9.0, description="of the curve")
    asymmetry: float = Field(0.0, ge=-1.0, le=1.0, description="of the halves")


BROKEN: list[tuple[type[Broken] | type[Hiss], set[str], str]] = [
    (WritesIntoItsInput, {"input_is_unchanged"}, "samples.copy()"),
    (ReturnsFloat64, {"output_is_valid"}, "float32 samples are expected, not float64"),
    (ReturnsStrided, {"output_is_valid"}, "contiguous"),
    (DropsSamples, {"length_is_kept", "accepts_long_clips"}, "declare changes = {'length'}"),
    (ChangesLevel, {"level_is_kept"}, "-0.92 dB"),
    (Delays, {"timing_is_kept"}, "+3 samples (+0.19 ms)"),
    (DividesBySilence, {"accepts_silence"}, "must be finite"),
    (NeedsASecondSample, {"accepts_one_sample_and_none"}, "IndexError on one sample"),
    (OverflowsAtFullScale, {"accepts_full_scale"}, "must be finite"),
    (KnowsOneRate, {"accepts_all_sample_rates"}, "ValueError on speech at 44100 Hz"),
    (UsesNumpyGlobal, {"global_random_state_is_unchanged"}, "numpy.random"),
    (SeedsNumpyGlobal, {"global_random_state_is_unchanged"}, "numpy.random"),
    (UsesPythonGlobal, {"global_random_state_is_unchanged"}, "random state of random;"),
    (UsesTorchGlobal, {"global_random_state_is_unchanged"}, "torch"),
    (DrawsUnseeded, {"same_key_gives_same_bits"}, "context.rng"),
    (DrawsForNothing, {"other_key_gives_other_bits"}, "16 other utterances got the same samples"),
    (CountsItsCalls, {"same_key_gives_same_bits"}, "context.rng"),
    (DrawsByClock, {"same_key_gives_same_bits"}, "draw() gives"),
    (DrawsIntoItsArguments, {"draw_leaves_its_arguments_unchanged"}, "return {**parameters"),
    (MissesItsSnr, {"snr_is_as_requested"}, "snr_db = -5 gives a measured SNR of 1.02 dB"),
    (SaysNothingOfItsField, {"fields_are_described"}, "without a description: depth"),
    (HasAnOpaqueField, {"parameters_survive_json"}, "reading its own JSON"),
    (CannotBePickled, {"can_be_pickled"}, "not today"),
    (Undocumented, {"has_a_docstring"}, "no docstring"),
    (HasNoExample, {"output_is_valid"}, "Field(examples=[...])"),
    (
        CachesByLength,
        {"other_clip_gives_other_bits"},
        "gives for another clip the samples that it gave for a clip before",
    ),
    (CachesByParameters, {"other_clip_gives_other_bits"}, "a cache must be keyed by all samples"),
    (CachesByArray, {"other_clip_gives_other_bits"}, "a cache must be keyed by all samples"),
    (CachesByBeginning, {"other_clip_gives_other_bits"}, "gives for a clip with another beginning the samples"),
    (DividesByItsField, {"fields_work_at_their_bounds"}, "softness = 0.0, which its bounds allow: sample 0 is nan"),
    (OverflowsAtItsUpperBound, {"fields_work_at_their_bounds"}, "boost_db = 899.99"),
    (FailsAtFiveSeconds, {"accepts_long_clips"}, "returns 79999 samples for 80000 (5 s)"),
    (FailsAtTwelveSeconds, {"accepts_long_clips", "is_fast_enough"}, "MemoryError on speech of 12 s"),
    (DependsOnTheHour, {"clock_is_irrelevant"}, "depends on the clock: 1000 s later"),
    (DependsOnTheYear, {"clock_is_irrelevant"}, "depends on the clock: 31600001 s later"),
    (WritesAFile, {"no_file_is_written"}, "last.npy; apply() returns its result and keeps nothing"),
    (WritesAtHome, {"no_file_is_written"}, "megaasr-kit-test.log"),
    (WritesThroughALibrary, {"no_file_is_written"}, "last.wav"),
    (GainOfAMillion, {"level_is_plausible"}, "for speech at -26 dBFS (full scale is 1); at most 1000 is allowed"),
    (HalfRealTime, {"is_fast_enough"}, "takes 6.1 s of processor time for 12 s of audio; at most 0.5 s a second"),
    (HasNoBounds, {"fields_have_bounds", "fields_name_their_units"}, "snr lacks a lower bound (ge or gt) and an upper"),
    (HasNoUnit, {"fields_name_their_units"}, "the unit of delay is not in the name: end it in a unit (_db, _hz, _s"),
]


@pytest.mark.parametrize(("primitive", "tripped", "says"), BROKEN, ids=[one.__name__ for one, *_ in BROKEN])
def test_broken_primitive_trips(primitive: Any, tripped: set[str], says: str, monkeypatch, tmp_path):
    monkeypatch.setenv("HOME", str(tmp_path))
    if primitive is HalfRealTime:
        monkeypatch.setattr("time.process_time", lambda: HalfRealTime.cpu_s[0])
    failed = failures(cases("primitive:broken", plugins=plugins_of(primitive)))
    assert set(failed) == tripped
    assert len(failed) <= 3
    assert any(says in line for line in failed.values()), failed
    assert all(line.startswith("primitive broken: ") and "\n" not in line for line in failed.values())


def test_the_base_of_the_broken_ones_passes():
    assert failures(cases("primitive:broken", plugins=plugins_of(Broken))) == {}


@pytest.mark.parametrize("primitive", [RefusesItsBound, GivesReasons])
def test_what_is_allowed_passes(primitive):
    assert failures(cases("primitive:broken", plugins=plugins_of(primitive))) == {}


def test_parameters_can_be_given():
    chosen = cases("primitive:broken", plugins=plugins_of(HasNoExample), parameters={"depth": 0.5})
    assert failures(chosen) == {}
    assert (
        "greater than 0"
        in failures(cases("primitive:broken", plugins=plugins_of(HasNoExample), parameters={"depth": 0.0}))[
            "output_is_valid"
        ]
    )


class Bare(Broken):
    """Has required fields without examples: a degradation that uses it shows what they may be."""

    name = "bare"
    amount: float = Field(gt=0.0, le=1.0, description="how much")


def test_parameters_come_from_a_degradation_that_uses_it():
    other = Degradation("a", Role.MODIFIER, (step("broken"),))
    user = Degradation("b", Role.MODIFIER, (step("broken"), step("bare", amount=Range(0.2, 0.8))))
    assert failures(cases("primitive:bare", plugins=plugins_of(Bare, Broken, other, user))) == {}
    alone = failures(cases("primitive:bare", plugins=plugins_of(Bare, Broken, other)))
    assert "amount = {}: Field required; give each required field Field(examples=[...])" in alone["output_is_valid"]


class RaisesWhileDrawing(Broken):
    """Broken."""

    @classmethod
    def draw(cls, parameters, context):
        return {**parameters, "size": context.num_samples // parameters["size"]}


class QuietHiss(Hiss):
    """Allows for loud noise only; the measured SNRs are those that it allows."""

    name = "broken"
    snr_db: float = Field(ge=-20.0, le=5.0, description="speech power over noise power, in dB", examples=[0.0])


class FarHiss(Hiss):
    """Broken: allows for none of the SNRs that occur."""

    name = "broken"
    snr_db: float = Field(ge=90.0, le=99.0, description="speech power over noise power, in dB", examples=[95.0])


def test_what_draw_raises_is_told():
    failed = failures(cases("primitive:broken", plugins=plugins_of(RaisesWhileDrawing)))
    assert failed["output_is_valid"] == "primitive broken: draw() raised KeyError: 'size'"
    failed = failures(cases("primitive:broken", plugins=plugins_of(RaisesWhileDrawing), parameters={"size": 0}))
    assert "draw() raised ZeroDivisionError" in failed["output_is_valid"]


def test_snr_is_measured_within_the_bounds_of_its_field():
    assert failures(cases("primitive:broken", plugins=plugins_of(QuietHiss))) == {}
    failed = failures(cases("primitive:broken", plugins=plugins_of(FarHiss)))
    assert (
        failed["snr_is_as_requested"]
        == "primitive broken: field snr_db refuses all of -5, 0, 10, 30 dB; widen its bounds"
    )


def test_only_what_is_not_declared_is_checked():
    names = {case.name for case in cases("primitive:halve", plugins=plugins_of(Halve))}
    assert not {"length_is_kept", "timing_is_kept", "level_is_kept", "snr_is_as_requested"} & names
    assert "snr_is_as_requested" in {case.name for case in cases("primitive:hiss", plugins=plugins_of(Hiss))}

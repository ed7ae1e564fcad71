"""The kit's checks of a primitive: good ones pass, and a fault in form, fields, bounds, inputs or draw() is caught."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from pydantic import Field

from megaasr import Degradation, ParameterError, Range, Role, step
from megaasr_core.testing import cases, failures, plugins_of
from tests.core.kit_primitives import Babble, Broken, Gain, Halve, Hiss, assert_trips


@pytest.mark.parametrize("primitive", [Gain, Hiss, Babble, Halve])
def test_good_primitives_pass(primitive):
    assert failures(cases(f"primitive:{primitive.name}", plugins=plugins_of(primitive))) == {}


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


BROKEN: list[tuple[type[Broken], set[str], str]] = [
    (WritesIntoItsInput, {"input_is_unchanged"}, "samples.copy()"),
    (ReturnsFloat64, {"output_is_valid"}, "float32 samples are expected, not float64"),
    (ReturnsStrided, {"output_is_valid"}, "contiguous"),
    (DividesBySilence, {"accepts_silence"}, "must be finite"),
    (NeedsASecondSample, {"accepts_one_sample_and_none"}, "IndexError on one sample"),
    (OverflowsAtFullScale, {"accepts_full_scale"}, "must be finite"),
    (KnowsOneRate, {"accepts_all_sample_rates"}, "ValueError on speech at 44100 Hz"),
    (SaysNothingOfItsField, {"fields_are_described"}, "without a description: depth"),
    (HasAnOpaqueField, {"parameters_survive_json"}, "reading its own JSON"),
    (CannotBePickled, {"can_be_pickled"}, "not today"),
    (Undocumented, {"has_a_docstring"}, "no docstring"),
    (HasNoExample, {"output_is_valid"}, "Field(examples=[...])"),
    (DividesByItsField, {"fields_work_at_their_bounds"}, "softness = 0.0, which its bounds allow: sample 0 is nan"),
    (OverflowsAtItsUpperBound, {"fields_work_at_their_bounds"}, "boost_db = 899.99"),
    (FailsAtFiveSeconds, {"accepts_long_clips"}, "returns 79999 samples for 80000 (5 s)"),
    (FailsAtTwelveSeconds, {"accepts_long_clips", "is_fast_enough"}, "MemoryError on speech of 12 s"),
    (HasNoBounds, {"fields_have_bounds", "fields_name_their_units"}, "snr lacks a lower bound (ge or gt) and an upper"),
    (HasNoUnit, {"fields_name_their_units"}, "the unit of delay is not in the name: end it in a unit (_db, _hz, _s"),
]


@pytest.mark.parametrize(("primitive", "tripped", "says"), BROKEN, ids=[one.__name__ for one, *_ in BROKEN])
def test_broken_primitive_trips(primitive: Any, tripped: set[str], says: str, monkeypatch, tmp_path):
    monkeypatch.setenv("HOME", str(tmp_path))
    assert_trips(primitive, tripped, says)


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


def test_what_draw_raises_is_told():
    failed = failures(cases("primitive:broken", plugins=plugins_of(RaisesWhileDrawing)))
    assert failed["output_is_valid"] == "primitive broken: draw() raised KeyError: 'size'"
    failed = failures(cases("primitive:broken", plugins=plugins_of(RaisesWhileDrawing), parameters={"size": 0}))
    assert "draw() raised ZeroDivisionError" in failed["output_is_valid"]

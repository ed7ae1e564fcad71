"""The kit's checks of the signal that a primitive gives: its length, level, timing and signal-to-noise ratio."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from pydantic import Field

from megaasr_core.testing import cases, failures, plugins_of
from tests.core.kit_primitives import Broken, Halve, Hiss, assert_trips


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


class MissesItsSnr(Hiss):
    """Broken: takes the noise's nominal power for the real one, and half of it."""

    name = "broken"

    def apply(self, samples, sample_rate, context):
        noisy = super().apply(samples, sample_rate, context)
        return samples + np.float32(0.5) * (noisy - samples)


class GainOfAMillion(Broken):
    """Broken, although it declares that the level changes."""

    changes = frozenset({"level"})

    def apply(self, samples, sample_rate, context):
        return samples * np.float32(1e6)


BROKEN: list[tuple[type[Broken] | type[Hiss], set[str], str]] = [
    (DropsSamples, {"length_is_kept", "accepts_long_clips"}, "declare changes = {'length'}"),
    (ChangesLevel, {"level_is_kept"}, "-0.92 dB"),
    (Delays, {"timing_is_kept"}, "+3 samples (+0.19 ms)"),
    (MissesItsSnr, {"snr_is_as_requested"}, "snr_db = -5 gives a measured SNR of 1.02 dB"),
    (GainOfAMillion, {"level_is_plausible"}, "for speech at -26 dBFS (full scale is 1); at most 1000 is allowed"),
]


@pytest.mark.parametrize(("primitive", "tripped", "says"), BROKEN, ids=[one.__name__ for one, *_ in BROKEN])
def test_broken_primitive_trips(primitive: Any, tripped: set[str], says: str, monkeypatch, tmp_path):
    monkeypatch.setenv("HOME", str(tmp_path))
    assert_trips(primitive, tripped, says)


class QuietHiss(Hiss):
    """Allows for loud noise only; the measured SNRs are those that it allows."""

    name = "broken"
    snr_db: float = Field(ge=-20.0, le=5.0, description="speech power over noise power, in dB", examples=[0.0])


class FarHiss(Hiss):
    """Broken: allows for none of the SNRs that occur."""

    name = "broken"
    snr_db: float = Field(ge=90.0, le=99.0, description="speech power over noise power, in dB", examples=[95.0])


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

"""Primitives of the kit's tests: the good ones, the base class of the broken ones, and the assertion on these."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np
from pydantic import Field

from megaasr import Primitive
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


class Broken(Primitive):
    """Base of the broken ones; by itself it does nothing, and passes."""

    name: ClassVar[str] = "broken"

    def apply(self, samples, sample_rate, context):
        return samples


def assert_trips(primitive: Any, tripped: set[str], says: str) -> None:
    """Check that these checks and no others fail, one of them saying this, each in one line."""
    failed = failures(cases("primitive:broken", plugins=plugins_of(primitive)))
    assert set(failed) == tripped
    assert len(failed) <= 3
    assert any(says in line for line in failed.values()), failed
    assert all(line.startswith("primitive broken: ") and "\n" not in line for line in failed.values())

"""A plugin for tests: primitives with outputs that are easy to compute, degradations, and a scenario."""

from typing import ClassVar

import numpy as np
from pydantic import Field

from megaasr import Degradation, Primitive, Range, Role, Scenario, hookimpl, step
from megaasr_core.base.sound_bank import SoundRef


class Gain(Primitive):
    """Multiply by a gain."""

    name: ClassVar[str] = "gain"
    changes: ClassVar = frozenset({"level"})

    gain_db: float = Field(ge=-60.0, le=60.0, description="gain in dB")

    def apply(self, samples, sample_rate, context):
        return samples * np.float32(10 ** (self.gain_db / 20))


class Hiss(Primitive):
    """Add white noise of a fixed RMS; several of them stack in a chain."""

    name: ClassVar[str] = "hiss"
    changes: ClassVar = frozenset({"level"})
    stacks: ClassVar[bool] = True

    rms: float = Field(ge=0.0, le=1.0, description="RMS of the noise")

    def apply(self, samples, sample_rate, context):
        context.flag("hissed")
        return samples + np.float32(self.rms) * context.rng.standard_normal(len(samples), dtype=np.float32)


class Sound(Primitive):
    """Add a recorded sound that is drawn from the bank `noise`."""

    name: ClassVar[str] = "sound"
    changes: ClassVar = frozenset({"level"})
    stacks: ClassVar[bool] = True
    banks: ClassVar[tuple[str, ...]] = ("noise",)

    sound: SoundRef = Field(examples=[{"path": "a.wav", "digest": "0" * 16}], description="which sound")

    @classmethod
    def draw(cls, parameters, context):
        return {**parameters, "sound": context.bank("noise").pick(context.rng)}

    def apply(self, samples, sample_rate, context):
        noise = context.load("noise", self.sound, sample_rate)
        return samples + np.resize(noise, len(samples))


ROOM = Degradation(
    "room", Role.ANCHOR, (step("gain", merge_name="gain", gain_db=Range(-3.0, -9.0)), step("hiss", rms=0.01))
)
HALL = Degradation("hall", Role.ANCHOR, (step("gain", merge_name="gain", gain_db=Range(-6.0, -12.0)),))
HISSY = Degradation(
    "hissy",
    Role.MODIFIER,
    (
        step("hiss", rms=Range(0.01, 0.1)),
        step("gain", label="down", merge_name="gain", gain_db=-3.0),
        step("gain", label="up", merge_name="gain", gain_db=Range(0.0, 3.0)),
    ),
)
LOUD = Degradation("loud", Role.MODIFIER, (step("gain", label="loudness", gain_db=Range(0.0, 40.0)),))
CROWD = Degradation("crowd", Role.MODIFIER, (step("sound"),))


@hookimpl
def register_primitives(register):
    for primitive in (Gain, Hiss, Sound):
        register(primitive)


@hookimpl
def register_degradations(register):
    for degradation in (ROOM, HALL, HISSY, LOUD, CROWD):
        register(degradation)


@hookimpl
def register_scenarios(register):
    register(Scenario("room+hissy", ("room", "hissy"), "a hissy room"))

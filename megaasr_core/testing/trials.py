"""Trials for ``megaasr doctor``: use one plugin for real, once."""

from __future__ import annotations

import tempfile
from pathlib import Path

import numpy as np

from megaasr.library.audio_writing import write_audio

from ..base.audio import SAMPLE_RATE_HZ, Audio
from ..base.seeding import SampleKey
from ..base.sound_bank import SoundBank
from ..contracts.scenario import Scenario
from ..discovery.plugins import Plugins
from ..flows.plan import plan
from ..flows.render import render
from .signals import AnyBank


def one_second() -> Audio:
    """One second of quiet white noise."""
    samples = SampleKey(0, "doctor").rng().standard_normal(SAMPLE_RATE_HZ, dtype=np.float32)
    return Audio(0.1 * samples, SAMPLE_RATE_HZ, "one second of noise")


def render_once(name: str, plugins: Plugins) -> str:
    """Render one second through a degradation, which compiles its kernels; steps and peak in one line."""
    audio = one_second()
    with tempfile.TemporaryDirectory() as folder:
        write_audio(Path(folder) / "noise.wav", audio)
        banks = AnyBank(SoundBank.open(folder))
        recipe = plan(
            Scenario(name, (name,)),
            SampleKey(0, "doctor"),
            plugins,
            num_samples=len(audio.samples),
            sample_rate=audio.sample_rate,
            severity=0.5,
            banks=banks,
        )
        rendered = render(audio, recipe, plugins, banks)
    return f"{len(recipe.steps)} primitives, peak {rendered.peak:.2f}"

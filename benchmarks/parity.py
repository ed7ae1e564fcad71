"""How far the five deterministic effects are from the libraries whose numbers the paper's parameters are."""

from __future__ import annotations

import tempfile
from pathlib import Path

import numpy as np

from megaasr_core import Audio, Samples, installed_plugins
from megaasr_core.base.audio_files import read_audio, write_audio
from megaasr_core.base.seeding import SampleKey
from megaasr_core.base.sound_bank import SoundBank
from megaasr_core.flows.plan import find_scenario, plan
from megaasr_core.flows.render import render

from .oracles import EFFECTS, oracle

SPEECH = Path(__file__).parents[1] / "examples" / "clean" / "LJ001-0001.flac"
SEVERITIES = (0.0, 0.5, 1.0)


def difference_db(ours: Samples, theirs: Samples) -> float:
    """Energy of the difference relative to the energy of theirs, in dB."""
    theirs64 = theirs.astype(np.float64)
    return float(10 * np.log10(np.sum((ours - theirs64) ** 2) / np.sum(theirs64**2)))


def effect_difference_db(effect: str, severity: float, speech: Audio) -> float:
    """One effect at one severity on one recording, with a noise clip as long as the recording."""
    plugins = installed_plugins()
    noise = (0.1 * SampleKey(0, "parity").rng().standard_normal(len(speech.samples))).astype(np.float32)
    with tempfile.TemporaryDirectory() as folder:
        write_audio(Path(folder) / "noise.wav", Audio(noise, speech.sample_rate))
        banks = {"noise": SoundBank.open(folder)}
        recipe = plan(
            find_scenario(effect, plugins),
            SampleKey(0, "parity"),
            plugins,
            num_samples=len(speech.samples),
            sample_rate=speech.sample_rate,
            severity=severity,
            banks=banks,
        )
        ours = render(speech, recipe, plugins, banks).audio.samples
    return difference_db(ours, oracle(speech.samples, recipe, noise))


def parity_rows() -> list[dict[str, object]]:
    """A row an effect, a column a severity."""
    speech = read_audio(SPEECH)
    return [
        {
            "effect": effect,
            **{f"severity {s:g}, dB": round(effect_difference_db(effect, s, speech), 1) for s in SEVERITIES},
        }
        for effect in EFFECTS
    ]

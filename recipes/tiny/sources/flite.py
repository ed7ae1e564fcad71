"""CMU Flite: three statistical voices of CMU ARCTIC speakers and one diphone voice."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from megaasr import Audio

from .base import Source, Utterance, Voice, read_spoken, repitched, run_program

LICENCE = "CMU Flite licence (free; synthetic)"


class Flite(Source):
    """The voices in the Debian package flite."""

    name = "flite"
    title = "flite"
    revision = 1
    voices: Sequence[Voice] = (
        Voice("slt", "train", 240, LICENCE),
        Voice("rms", "train", 240, LICENCE),
        Voice("kal16", "train", 120, LICENCE),
        Voice("awb", "dev", 60, LICENCE),
    )

    def prepare(self, cache: Path) -> None:
        """Check that flite runs."""
        del cache
        run_program(["flite", "-lv"])

    def speak(self, utterance: Utterance, rng: np.random.Generator) -> Audio:
        """Speak at 0.8 to 1.2 of the normal speed, with the pitch changed by up to 8 %."""
        pitch = float(2.0 ** rng.uniform(-0.11, 0.11))
        stretch = float(2.0 ** rng.uniform(-0.26, 0.26)) * pitch
        with tempfile.TemporaryDirectory() as folder:
            spoken = Path(folder) / "spoken.wav"
            voice = ["-voice", utterance.voice.name, "--setf", f"duration_stretch={stretch:.4f}"]
            run_program(["flite", *voice, "-t", utterance.text, "-o", str(spoken)])
            return repitched(read_spoken(spoken), pitch)

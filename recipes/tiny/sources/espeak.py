"""eSpeak NG: formant synthesis with many accents and voice variants; a few clips of each."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from megaasr import Audio

from .base import Source, Utterance, Voice, read_spoken, run_program

LICENCE = "GPL-3.0 program (synthetic)"
TRAIN = (
    "en-us+m1",
    "en-gb+m3",
    "en-gb-x-rp+m7",
    "en-us-nyc+f2",
    "en-us+f3",
    "en-gb+f4",
    "en-gb+linda",
    "en-us+Denis",
)
"""Voices that Whisper tiny.en recognises, with a WER of 16 to 45 % over two samples of 8 to 10 clips each; nine
other voices had 39 to 118 %."""
DEV = ("en-gb+m2",)


class Espeak(Source):
    """Pairs of an accent and a voice variant; no variant is in both splits."""

    name = "espeak"
    title = "espeak-ng"
    revision = 1
    voices: Sequence[Voice] = (
        *(Voice(name, "train", 20, LICENCE) for name in TRAIN),
        *(Voice(name, "dev", 20, LICENCE) for name in DEV),
    )

    def prepare(self, cache: Path) -> None:
        """Check that espeak-ng runs."""
        del cache
        run_program(["espeak-ng", "--version"])

    def speak(self, utterance: Utterance, rng: np.random.Generator) -> Audio:
        """Speak at 120 to 180 words a minute with a pitch setting of 35 to 65 (default 50)."""
        rate, pitch = round(rng.uniform(120.0, 180.0)), round(rng.uniform(35.0, 65.0))
        with tempfile.TemporaryDirectory() as folder:
            spoken = Path(folder) / "spoken.wav"
            voice = ["-v", utterance.voice.name, "-s", str(rate), "-p", str(pitch)]
            run_program(["espeak-ng", *voice, "-w", str(spoken), "--", utterance.text])
            return read_spoken(spoken)

"""hibari-tts: a small neural voice contained in the wheel (distilled from Kokoro-82M's "heart", Apache-2.0)."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from megaasr import Audio

from .base import Source, SourceError, Utterance, Voice, repitched


class HibariVoice(Source):
    """The voice "heart", the only voice in the wheel; other voices need a download."""

    name = "hibari"
    title = "hibari-tts"
    revision = 1
    voices: Sequence[Voice] = (Voice("heart", "train", 900, "Apache-2.0 (synthetic)"),)

    def __init__(self) -> None:
        self._speech: Any = None

    def prepare(self, cache: Path) -> None:
        """Load the model."""
        del cache
        try:
            from hibari import Hibari
        except ImportError as error:
            raise SourceError("hibari: needs hibari-tts; pip install -r recipes/tiny/requirements.txt") from error
        self._speech = Hibari(voice="heart", threads=1)

    def speak(self, utterance: Utterance, rng: np.random.Generator) -> Audio:
        """Speak at 0.8 to 1.25 of the normal speed, with the pitch changed by up to 8 %."""
        pitch = float(2.0 ** rng.uniform(-0.11, 0.11))
        speed = float(2.0 ** rng.uniform(-0.3, 0.3)) / pitch
        samples = self._speech(utterance.text, speed=speed, seed=int(rng.integers(2**31)))
        return repitched(Audio(np.ascontiguousarray(samples, np.float32), self._speech.sample_rate, "hibari"), pitch)

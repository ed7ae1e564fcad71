"""The sounds of condition pages: one source clip, its degraded forms, and the levels by which they are told apart."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from megaasr import (
    SAMPLE_RATE_HZ,
    Audio,
    AudioError,
    Plugins,
    Recipe,
    SampleKey,
    Scenario,
    SoundBank,
    plan,
    read_audio,
    render,
    write_audio,
)
from megaasr.testing import speech_like, synthetic_bank

from .reference import GENERATED

SEED = 1
SEVERITY = 0.5
SOURCE_S = 4.2

ROOM_KEY = SampleKey(seed=1, utterance="LJ001-0001")
"""Draws the made-up impulse response."""
RT60_S = 0.5
RESPONSE_S = 0.8
RESPONSE_WORDS = f"a direct path, then noise of the same energy that falls by 60 dB in {RT60_S:g} s"

MP3_COMPRESSION = 0.8
"""libsndfile's name for 40 kbit/s at this rate."""

THIRD_OCTAVES_HZ = tuple(round(1000.0 * 10.0 ** (index / 10.0), 1) for index in range(-10, 9))
"""Exact centres of the nominal bands 100 Hz to 6.3 kHz (IEC 61260-1, base ten)."""
SPAN_S = 0.3
FLOOR_DB = -80.0
"""Below it a level says nothing: rounding and filter tails are there."""


@dataclass(frozen=True)
class Material:
    """What the conditions are heard on.

    Args:
        source: the clip before: mono, 16 kHz, named; its name and `SEED` key what is drawn.
        banks: recorded sounds by name.
        notes: lines of the index that say where the sounds come from.
        lufs: integrated loudness of `source`, where it is known.
        generated: line that says what wrote the pages.
        licence: paragraph of the index about the terms of the sounds.
        checked: sentence of the index that says what compares the stored levels with what is rendered now.
        beside: in the index, behind the number of effects of a degradation that is no scenario by itself.
    """

    source: Audio
    banks: Mapping[str, SoundBank]
    notes: tuple[str, ...]
    lufs: float | None = None
    generated: str = GENERATED
    licence: str = ""
    checked: str = ""
    beside: str = ", by itself"

    @property
    def key(self) -> SampleKey:
        """Names the sample."""
        return SampleKey(seed=SEED, utterance=self.source.name)


@contextmanager
def open_material(speech: Path | None, banks: Mapping[str, Path]) -> Iterator[Material]:
    """The material of a third party's pages.

    Args:
        speech: a recording, of which the first `SOURCE_S` seconds are used; if not given, synthetic syllables.
        banks: folders or manifests of sounds by the bank's name; ``noise`` and ``rir`` are synthetic where not given.

    Raises:
        MegaasrError: a recording or a bank cannot be read.
    """
    if speech is None:
        samples = speech_like(SAMPLE_RATE_HZ, SOURCE_S)
        source, words = Audio(samples, SAMPLE_RATE_HZ, "speech"), "synthetic syllables, four a second"
    else:
        whole = read_audio(speech).resampled(SAMPLE_RATE_HZ)
        source = Audio(whole.samples[: round(SOURCE_S * SAMPLE_RATE_HZ)], SAMPLE_RATE_HZ, speech.stem)
        words = f"the beginning of `{speech.name}`"
    with tempfile.TemporaryDirectory() as folder, room_bank() as room:
        opened = {name: SoundBank.open(path) for name, path in banks.items()}
        if "noise" not in opened:
            opened["noise"] = synthetic_bank(Path(folder))
        notes = (f"- **Speech**: {words}.", *(f"- **Bank `{name}`**: `{path}`." for name, path in banks.items()))
        notes += tuple(f"- **Bank `{name}`**: synthetic." for name in ("noise", "rir") if name not in banks)
        yield Material(source, {"rir": room, **opened}, notes)


@contextmanager
def room_bank() -> Iterator[SoundBank]:
    """A bank whose one impulse response is made up here."""
    with tempfile.TemporaryDirectory() as folder:
        write_audio(Path(folder) / "exponential_decay.wav", room_response())
        yield SoundBank.open(folder)


def room_response(sample_rate: int = SAMPLE_RATE_HZ) -> Audio:
    """A direct path of 1, then Gaussian noise whose level falls by 60 dB in `RT60_S` (Polack's model of a room)."""
    num_samples = round(RESPONSE_S * sample_rate)
    time_s = np.arange(num_samples) / sample_rate
    tail = ROOM_KEY.rng("room_response").standard_normal(num_samples) * 10.0 ** (-3.0 * time_s / RT60_S)
    tail[0] = 0.0
    tail /= np.sqrt(np.sum(tail**2))
    tail[0] = 1.0
    return Audio(tail.astype(np.float32), sample_rate, "exponential_decay")


def planned(scenario: Scenario, plugins: Plugins, material: Material) -> Recipe:
    """The recipe of a condition's 'after' clip."""
    return plan(
        scenario,
        material.key,
        plugins,
        num_samples=len(material.source.samples),
        sample_rate=material.source.sample_rate,
        severity=SEVERITY,
        banks=material.banks,
    )


def after(scenario: Scenario, plugins: Plugins, material: Material) -> Audio:
    """The source under a condition."""
    return render(material.source, planned(scenario, plugins, material), plugins, material.banks).audio


def write_clip(path: Path, audio: Audio) -> None:
    """Write an MP3, the one compressed format that every browser plays and that is the same bytes each time.

    Raises:
        AudioError: a peak beyond full scale, which would be cut: a distortion that the condition has not.
    """
    import soundfile

    peak = float(np.max(np.abs(audio.samples)))
    if peak > 1.0:
        raise AudioError(
            f"{path.name}: the peak is {peak:.3g}, beyond full scale; give the chain a level, or quieter speech"
        )
    soundfile.write(
        path,
        audio.samples,
        audio.sample_rate,
        format="MP3",
        subtype="MPEG_LAYER_III",
        bitrate_mode="CONSTANT",
        compression_level=MP3_COMPRESSION,
    )


def levels(audio: Audio) -> dict[str, list[float]]:
    """What a sound is, coarsely enough to be the same on every machine: levels in dB re full scale, to 0.1 dB.

    Returns:
        ``third_octaves_db``: mean level in each band of `THIRD_OCTAVES_HZ`; ``spans_db``: level of each `SPAN_S`.
        A sine at full scale has -3.0 dB. Nothing is below `FLOOR_DB`.
    """
    samples = audio.samples.astype(np.float64)
    power = np.abs(np.fft.rfft(samples)) ** 2 * 2.0 / len(samples) ** 2
    frequency_hz = np.fft.rfftfreq(len(samples), 1.0 / audio.sample_rate)
    edge = 10.0**0.05
    bands = [power[(frequency_hz >= f / edge) & (frequency_hz < f * edge)].sum() for f in THIRD_OCTAVES_HZ]
    span = round(SPAN_S * audio.sample_rate)
    spans = [float(np.mean(samples[start : start + span] ** 2)) for start in range(0, len(samples) - span + 1, span)]
    return {"third_octaves_db": _decibels(np.array(bands)), "spans_db": _decibels(np.array(spans))}


def _decibels(power: npt.NDArray[np.float64]) -> list[float]:
    floored = np.maximum(power, 10.0 ** (FLOOR_DB / 10.0))
    return [round(float(level), 1) for level in 10.0 * np.log10(floored)]

"""The sounds of docs/conditions/: one source clip, its degraded forms, and the levels by which they are told apart."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import numpy.typing as npt

from megaasr import (
    SAMPLE_RATE_HZ,
    Audio,
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

EXAMPLES = Path(__file__).resolve().parent.parent / "examples"
KEY = SampleKey(seed=1, utterance="LJ001-0001")
SEVERITY = 0.5
SOURCE_S = 4.2
"""The first clause of the sentence, and the pause after it, in which reverberation and noise are heard alone."""
GAIN_DB = 14.7
SOURCE_LUFS = -23.0
"""What the gain makes of the example, which is far quieter; so a chain that ends at this level changes no loudness."""

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


def before() -> Audio:
    """The source clip: mono, 16 kHz, `SOURCE_S` long."""
    whole = read_audio(EXAMPLES / "clean" / "LJ001-0001.flac").resampled(SAMPLE_RATE_HZ)
    samples = whole.samples[: round(SOURCE_S * SAMPLE_RATE_HZ)] * np.float32(10.0 ** (GAIN_DB / 20.0))
    return Audio(samples, SAMPLE_RATE_HZ, KEY.utterance)


@contextmanager
def sound_banks() -> Iterator[dict[str, SoundBank]]:
    """The example noises, and a bank whose one impulse response is made up here."""
    with tempfile.TemporaryDirectory() as folder:
        write_audio(Path(folder) / "exponential_decay.wav", room_response())
        yield {"noise": SoundBank.open(EXAMPLES / "noise"), "rir": SoundBank.open(folder)}


def room_response(sample_rate: int = SAMPLE_RATE_HZ) -> Audio:
    """A direct path of 1, then Gaussian noise whose level falls by 60 dB in `RT60_S` (Polack's model of a room)."""
    num_samples = round(RESPONSE_S * sample_rate)
    time_s = np.arange(num_samples) / sample_rate
    tail = KEY.rng("room_response").standard_normal(num_samples) * 10.0 ** (-3.0 * time_s / RT60_S)
    tail[0] = 0.0
    tail /= np.sqrt(np.sum(tail**2))
    tail[0] = 1.0
    return Audio(tail.astype(np.float32), sample_rate, "exponential_decay")


def planned(scenario: Scenario, plugins: Plugins, banks: Mapping[str, SoundBank], source: Audio) -> Recipe:
    """The recipe of a condition's 'after' clip."""
    return plan(
        scenario,
        KEY,
        plugins,
        num_samples=len(source.samples),
        sample_rate=source.sample_rate,
        severity=SEVERITY,
        banks=banks,
    )


def after(scenario: Scenario, plugins: Plugins, banks: Mapping[str, SoundBank], source: Audio) -> Audio:
    """The source under a condition."""
    return render(source, planned(scenario, plugins, banks, source), plugins, banks).audio


def write_clip(path: Path, audio: Audio) -> None:
    """Write an MP3, the one compressed format that every browser plays and that is the same bytes each time.

    Raises:
        ValueError: a peak beyond full scale, which would be cut: a distortion that the condition has not.
    """
    import soundfile

    peak = float(np.max(np.abs(audio.samples)))
    if peak > 1.0:
        raise ValueError(f"{path.name}: the peak is {peak:.3g}; choose a smaller GAIN_DB or say how it is turned down")
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

"""The sounds that the checks use; all synthetic, so that the kit needs no recording."""

from __future__ import annotations

import atexit
import shutil
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from megaasr.library.audio_writing import write_audio

from ..base.audio import SAMPLE_RATE_HZ, Audio, Samples
from ..base.seeding import SampleKey
from ..base.sound_bank import SoundBank

SPEECH_RMS = 0.05
"""-26 dB below full scale: the active speech level of ITU-T P.56 measurements; peaks stay well below 1."""
_FORMANTS_HZ = (500.0, 1500.0, 2500.0)  # a neutral vowel


@lru_cache(maxsize=32)
def speech_like(sample_rate: int = SAMPLE_RATE_HZ, duration_s: float = 1.0, key: str = "speech") -> Samples:
    """Voiced syllables, four a second, with pauses and a breath of noise; shape (num_samples,), read-only.

    Args:
        sample_rate: in Hz.
        key: another text gives another pitch and other noise.
    """
    rng = SampleKey(0, key).rng("speech", sample_rate)
    time_s = np.arange(round(duration_s * sample_rate)) / sample_rate
    pitch_hz = 90.0 + 60.0 * SampleKey(0, key).rng("pitch").random()
    phase = 2 * np.pi * pitch_hz * (time_s + 0.03 * np.sin(2 * np.pi * 1.3 * time_s))
    voice = np.zeros_like(time_s)
    for harmonic in range(1, int(min(5000.0, 0.4 * sample_rate) / pitch_hz)):
        formants = sum(np.exp(-(((harmonic * pitch_hz - centre) / 250.0) ** 2)) for centre in _FORMANTS_HZ)
        voice += (0.03 + formants) / np.sqrt(harmonic) * np.sin(harmonic * phase + harmonic**2)
    syllables = np.maximum(0.0, np.sin(2 * np.pi * 4.0 * time_s)) ** 0.5
    signal = syllables * (voice + 0.3 * rng.standard_normal(len(time_s)))
    power = float(np.mean(signal**2)) if len(signal) else 0.0
    samples = (signal * (SPEECH_RMS / np.sqrt(power)) if power else signal).astype(np.float32)
    samples.flags.writeable = False
    return samples


def noise_burst(sample_rate: int) -> Samples:
    """Half a second of white noise between two quarters of silence: one sharp peak in any cross-correlation."""
    num_samples = sample_rate // 2
    burst = SPEECH_RMS * SampleKey(0, "burst").rng(sample_rate).standard_normal(num_samples)
    return np.pad(burst, sample_rate // 4).astype(np.float32)


def square_wave(sample_rate: int) -> Samples:
    """Half a second at 200 Hz from -1 to 1: nothing within full scale has more power."""
    time = np.arange(sample_rate // 2)
    return np.where(time * 400 // sample_rate % 2 == 0, 1.0, -1.0).astype(np.float32)


def silence(num_samples: int) -> Samples:
    """Zeros, shape (num_samples,)."""
    return np.zeros(num_samples, np.float32)


def copies(clips: Iterable[Audio]) -> list[Audio]:
    """The same clips with samples of their own, so that what writes into them harms no other check."""
    return [Audio(clip.samples.copy(), clip.sample_rate, clip.name) for clip in clips]


def rms_db(samples: npt.NDArray[np.floating[Any]]) -> float:
    """Level in dB relative to full scale; -inf of silence."""
    with np.errstate(divide="ignore"):
        return float(10 * np.log10(np.mean(np.square(samples, dtype=np.float64))))


def snr_db(clean: Samples, noisy: Samples) -> float:
    """Power of `clean` over the power of what was added to it, in dB."""
    return rms_db(clean) - rms_db(noisy.astype(np.float64) - clean)


def lag(clean: Samples, treated: Samples) -> int:
    """By how many samples `treated` comes later: where the absolute cross-correlation has its peak.

    >>> lag(np.float32([0, 1, 0, 0]), np.float32([0, 0, 0, -1]))
    2
    """
    size = len(clean) + len(treated)
    product = np.conj(np.fft.rfft(clean, size)) * np.fft.rfft(treated, size)
    peak = int(np.argmax(np.abs(np.fft.irfft(product, size))))
    return peak if peak < len(treated) else peak - size


def synthetic_bank(folder: Path) -> SoundBank:
    """Write a small noise bank into an existing folder and open it.

    Two categories: ``hiss`` (0.6 s, shorter than the speech, so it must be tiled) and ``hum`` (2.5 s, at 8 kHz, so it
    must be resampled and cropped).
    """
    rng = SampleKey(0, "bank").rng("noise")
    hiss = 0.1 * rng.standard_normal(round(0.6 * SAMPLE_RATE_HZ))
    time_s = np.arange(20_000) / 8000
    hum = 0.1 * np.sin(2 * np.pi * 100 * time_s) + 0.02 * rng.standard_normal(20_000)
    for name, samples, rate in (("hiss", hiss, SAMPLE_RATE_HZ), ("hum", hum, 8000)):
        (folder / name).mkdir(parents=True)
        write_audio(folder / name / f"{name}.wav", Audio(samples.astype(np.float32), rate))
    return SoundBank.open(folder)


@lru_cache(maxsize=1)
def _default_bank() -> SoundBank:
    folder = tempfile.mkdtemp(prefix="megaasr-sounds-")
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return synthetic_bank(Path(folder))


class AnyBank(Mapping[str, SoundBank]):
    """Answers to every bank's name with one bank.

    Args:
        bank: if not given, the synthetic bank, written to a temporary folder when first asked for.
    """

    def __init__(self, bank: SoundBank | None = None) -> None:
        self._bank = bank

    def __getitem__(self, name: str) -> SoundBank:
        return self._bank or _default_bank()

    def __iter__(self) -> Iterator[str]:
        return iter(("noise",))

    def __len__(self) -> int:
        return 1

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str)

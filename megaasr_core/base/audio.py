"""`Audio`: mono float32 samples with their sample rate, as everywhere in the project; checks of form and level."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from .errors import AudioError

Samples = npt.NDArray[np.float32]
"""Shape (num_samples,), float32, full scale at ±1."""

SAMPLE_RATE_HZ = 16_000
"""The sample rate of Mega-ASR's parameters and of recognisers, in Hz."""
SILENCE_DBFS = -80.0
"""RMS level below which a recording is silent; the least significant bit of 16-bit audio is at -90 dBFS."""
CLIPPED_SHARE = 1e-3
"""Share of samples at full scale above which a recording is flagged as clipped."""


@dataclass(frozen=True, eq=False)
class Audio:
    """A mono recording.

    Args:
        samples: shape (num_samples,), float32, finite, C-contiguous.
        sample_rate: in Hz.
        name: origin of the audio; used only in messages.
        flags: what was done to it when it was read: ``mixed`` (its channels, to one), ``inverted`` (they have opposite
            phase, and one was taken), ``unended`` (nothing marks its end).

    Raises:
        AudioError: another dtype, more than one axis, NaN or infinity, or a rate that is not positive.
    """

    samples: Samples
    sample_rate: int
    name: str = "audio"
    flags: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        check_samples(self.samples, self.name)
        if self.sample_rate <= 0:
            raise AudioError(f"{self.name}: sample rate {self.sample_rate} Hz must be positive")

    @classmethod
    def of_checked(cls, samples: Samples, sample_rate: int, name: str, flags: tuple[str, ...] = ()) -> Self:
        """Create `Audio` from samples that have passed `check_samples`, without checking them again."""
        audio = object.__new__(cls)
        audio.__dict__.update(samples=samples, sample_rate=sample_rate, name=name, flags=flags)
        return audio

    @property
    def duration_s(self) -> float:
        """Length in seconds."""
        return len(self.samples) / self.sample_rate

    def resampled(self, sample_rate: int) -> Audio:
        """The audio at another rate (soxr, very high quality, linear phase); itself if the rate is the same."""
        if sample_rate == self.sample_rate:
            return self
        import soxr

        samples = soxr.resample(self.samples, self.sample_rate, sample_rate, quality="VHQ")
        return Audio(np.ascontiguousarray(samples, dtype=np.float32), sample_rate, self.name, self.flags)

    def cut(self, start: int, stop: int) -> Audio:
        """The samples start..stop (sample indices, stop excluded) as a new `Audio`."""
        return Audio(np.ascontiguousarray(self.samples[start:stop]), self.sample_rate, self.name, self.flags)


def resampled_length(num_samples: int, rate: int, new_rate: int) -> int:
    """Number of samples that `Audio.resampled` returns: the length times the ratio of the rates, rounded half up.

    >>> resampled_length(48_001, 48_000, 16_000)
    16000
    """
    return (2 * num_samples * new_rate + rate) // (2 * rate)


def check_samples(samples: Any, name: str = "samples") -> float:
    """Check that samples are a one-dimensional, finite, contiguous float32 array; return the peak, 0 if empty.

    Raises:
        AudioError: the array has another form; the message says what was given and what is expected.
    """
    check_form(samples, name)
    if len(samples) == 0:
        return 0.0
    peak = max(float(samples.max()), -float(samples.min()))  # both are NaN if a sample is NaN
    if not math.isfinite(peak):
        first = int(np.flatnonzero(~np.isfinite(samples))[0])
        raise AudioError(f"{name}: sample {first} is {samples[first]}; every sample must be finite")
    return peak


def check_form(samples: Any, name: str) -> None:
    """The part of `check_samples` that does not read the samples: type, shape, dtype and memory layout."""
    if not isinstance(samples, np.ndarray):
        raise AudioError(f"{name}: a numpy array is expected, not {type(samples).__name__}")
    if samples.ndim != 1:
        raise AudioError(f"{name}: mono samples of shape (num_samples,) are expected, not {samples.shape}")
    if samples.dtype != np.float32:
        raise AudioError(f"{name}: float32 samples are expected, not {samples.dtype}")
    if not samples.flags.c_contiguous:
        raise AudioError(f"{name}: contiguous samples are expected; pass numpy.ascontiguousarray(samples)")


def level_dbfs(samples: Samples) -> float:
    """RMS level of samples, shape (num_samples,), in dB relative to full scale; -inf for silence or no samples."""
    if len(samples) == 0:
        return -np.inf
    power = float(np.dot(samples, samples)) / len(samples)
    return 10.0 * float(np.log10(power)) if power > 0.0 else -np.inf


def check_audio(audio: Audio) -> tuple[str, ...]:
    """Flags of a recording, sorted: those of its reading, ``clipped``, ``silent``."""
    flags = [*audio.flags]
    if len(audio.samples) and float(np.mean(np.abs(audio.samples) >= 0.999)) > CLIPPED_SHARE:
        flags.append("clipped")
    if level_dbfs(audio.samples) < SILENCE_DBFS:
        flags.append("silent")
    return tuple(sorted(flags))

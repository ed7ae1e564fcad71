"""`Audio`: mono float32 samples and their rate; the one form in which sound travels through the project."""

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
"""The rate at which Mega-ASR's parameters were chosen and at which recognisers listen."""


@dataclass(frozen=True, eq=False)
class Audio:
    """A mono recording.

    Args:
        samples: shape (num_samples,), float32, finite, C-contiguous.
        sample_rate: in Hz.
        name: where it came from; appears in messages only.

    Raises:
        AudioError: another dtype, more than one axis, NaN or infinity, or a rate that is not positive.
    """

    samples: Samples
    sample_rate: int
    name: str = "audio"

    def __post_init__(self) -> None:
        check_samples(self.samples, self.name)
        if self.sample_rate <= 0:
            raise AudioError(f"{self.name}: sample rate {self.sample_rate} Hz must be positive")

    @classmethod
    def of_checked(cls, samples: Samples, sample_rate: int, name: str) -> Self:
        """The same, of samples that have just passed `check_samples`, which is not done again."""
        audio = object.__new__(cls)
        audio.__dict__.update(samples=samples, sample_rate=sample_rate, name=name)
        return audio

    @property
    def duration_s(self) -> float:
        """Length in seconds."""
        return len(self.samples) / self.sample_rate

    def resampled(self, sample_rate: int) -> Audio:
        """The same sound at another rate (soxr, very high quality, linear phase); itself when the rate is the same."""
        if sample_rate == self.sample_rate:
            return self
        import soxr

        samples = soxr.resample(self.samples, self.sample_rate, sample_rate, quality="VHQ")
        return Audio(np.ascontiguousarray(samples, dtype=np.float32), sample_rate, self.name)

    def cut(self, start: int, stop: int) -> Audio:
        """The samples start..stop (sample indices) as audio of its own."""
        return Audio(np.ascontiguousarray(self.samples[start:stop]), self.sample_rate, self.name)


def resampled_length(num_samples: int, rate: int, new_rate: int) -> int:
    """How many samples `Audio.resampled` gives: the length times the ratio of the rates, half a sample rounded up.

    >>> resampled_length(48_001, 48_000, 16_000)
    16000
    """
    return (2 * num_samples * new_rate + rate) // (2 * rate)


def check_samples(samples: Any, name: str = "samples") -> float:
    """Refuse anything but one axis of finite, contiguous float32; the largest absolute sample, 0 for none.

    Raises:
        AudioError: naming what was found and what was expected.
    """
    check_form(samples, name)
    if len(samples) == 0:
        return 0.0
    peak = max(float(samples.max()), -float(samples.min()))  # either is NaN where a sample is
    if not math.isfinite(peak):
        first = int(np.flatnonzero(~np.isfinite(samples))[0])
        raise AudioError(f"{name}: sample {first} is {samples[first]}; every sample must be finite")
    return peak


def check_form(samples: Any, name: str) -> None:
    """The part of `check_samples` that needs no look at the samples."""
    if not isinstance(samples, np.ndarray):
        raise AudioError(f"{name}: a numpy array is expected, not {type(samples).__name__}")
    if samples.ndim != 1:
        raise AudioError(f"{name}: mono samples of shape (num_samples,) are expected, not {samples.shape}")
    if samples.dtype != np.float32:
        raise AudioError(f"{name}: float32 samples are expected, not {samples.dtype}")
    if not samples.flags.c_contiguous:
        raise AudioError(f"{name}: contiguous samples are expected; pass numpy.ascontiguousarray(samples)")

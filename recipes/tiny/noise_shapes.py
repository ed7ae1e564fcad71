"""Gaussian noise with the spectra and slow level changes of cars, streets, mains hum and crowds."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

from megaasr import SAMPLE_RATE_HZ, Samples

Curve = npt.NDArray[np.floating[Any]]
LOWEST_HZ = 20.0


def octaves_above(hz: Curve, corner_hz: float) -> Curve:
    """The octaves between a corner frequency and each frequency above it; 0 below the corner."""
    return np.log2(np.maximum(hz, corner_hz) / corner_hz)


def random_bumps(hz: Curve, rng: np.random.Generator, spread_db: float) -> Curve:
    """A smooth random curve in dB over log frequency: normal values at knots two thirds of an octave apart."""
    place = np.log2(np.maximum(hz, LOWEST_HZ) / LOWEST_HZ) * 1.5
    knots = rng.normal(0.0, spread_db, int(np.ceil(place.max())) + 1)
    # Cosine interpolation is smooth at the knots; linear interpolation is not.
    left = np.minimum(place.astype(int), len(knots) - 2)
    weight = 0.5 - 0.5 * np.cos(np.pi * np.clip(place - left, 0.0, 1.0))
    return knots[left] * (1.0 - weight) + knots[left + 1] * weight


def car(hz: Curve, rng: np.random.Generator) -> Curve:
    """Spectrum of a car: falls by 6 to 18 dB an octave, then flattens into wind and tyre noise."""
    corner_hz, steep, flat = rng.uniform(60.0, 300.0), rng.uniform(6.0, 18.0), rng.uniform(2.0, 6.0)
    floor_db = rng.uniform(20.0, 45.0)
    octaves = octaves_above(hz, corner_hz)
    return -np.minimum(steep * octaves, floor_db + flat * octaves) + random_bumps(hz, rng, 2.5)


def street(hz: Curve, rng: np.random.Generator) -> Curve:
    """Spectrum of distant traffic: flat to some hundred Hz, then -3 to -8 dB an octave, with resonances."""
    return -rng.uniform(3.0, 8.0) * octaves_above(hz, rng.uniform(100.0, 600.0)) + random_bumps(hz, rng, 4.0)


def coloured(hz: Curve, rng: np.random.Generator) -> Curve:
    """Spectrum between white and brown noise: 0 to -6 dB an octave over the whole band."""
    return -rng.uniform(0.0, 6.0) * octaves_above(hz, LOWEST_HZ) + random_bumps(hz, rng, 2.0)


def speech_shaped(hz: Curve, rng: np.random.Generator) -> Curve:
    """Approximate long-term average spectrum of speech (Byrne et al. 1994), as of a crowd."""
    low = np.log2(np.maximum(120.0 / np.maximum(hz, LOWEST_HZ), 1.0)) * 12.0
    return -low - rng.uniform(6.0, 10.0) * octaves_above(hz, rng.uniform(400.0, 800.0)) + random_bumps(hz, rng, 2.5)


SHAPES: dict[str, Callable[[Curve, np.random.Generator], Curve]] = {
    "car": car,
    "street": street,
    "hum": coloured,
    "coloured": coloured,
    "speech_shaped": speech_shaped,
}
"""Spectrum in dB of each kind of noise; `hum` adds mains harmonics to it."""

WOBBLE: dict[str, tuple[float, float, float]] = {
    "car": (0.2, 1.0, 3.0),
    "street": (0.1, 0.6, 8.0),
    "hum": (0.1, 0.3, 1.0),
    "coloured": (0.1, 2.0, 6.0),
    "speech_shaped": (1.0, 5.0, 4.0),
}
"""Level changes of each kind: lowest and highest number a second, and largest standard deviation in dB."""


def shaped_noise(kind: str, duration_s: float, rng: np.random.Generator) -> Samples:
    """Noise of one of `SHAPES`; the level is constant in a third of the clips and changes slowly in the others."""
    length = round(duration_s * SAMPLE_RATE_HZ)
    hz = np.fft.rfftfreq(length, 1.0 / SAMPLE_RATE_HZ)
    spectrum = np.fft.rfft(rng.standard_normal(length))
    spectrum *= 10.0 ** (SHAPES[kind](hz, rng) / 20.0)
    spectrum[hz < LOWEST_HZ] = 0.0
    noise = np.fft.irfft(spectrum, length)
    noise /= np.sqrt(np.mean(noise**2))
    if kind == "hum":
        noise += 10.0 ** (rng.uniform(-5.0, 15.0) / 20.0) * mains_hum(length, rng)
    slowest, fastest, spread_db = WOBBLE[kind]
    if rng.random() < 2 / 3:
        noise *= slow_gain(length, rng.uniform(slowest, fastest), rng.uniform(0.0, spread_db), rng)
    return noise.astype(np.float32)


def mains_hum(length: int, rng: np.random.Generator) -> Curve:
    """Hum of 50 Hz, 60 Hz or a motor (25 to 180 Hz) with up to 40 harmonics of falling, random levels; RMS 1."""
    base_hz = float(rng.choice([50.0, 60.0, rng.uniform(25.0, 180.0)]))
    count = min(int(rng.integers(5, 41)), int(7500.0 / base_hz))
    fall_db = rng.uniform(3.0, 9.0)
    drift = slow_gain(length, 0.5, rng.uniform(0.0, 0.05), rng)  # factor of the frequency, within about half a percent
    phase = 2.0 * np.pi * base_hz * np.cumsum(drift) / SAMPLE_RATE_HZ
    hum = np.zeros(length)
    for number in range(1, count + 1):
        amplitude = 10.0 ** ((-fall_db * np.log2(number) + rng.normal(0.0, 5.0)) / 20.0)
        hum += amplitude * np.sin(number * phase + rng.uniform(0.0, 2.0 * np.pi))
    return hum / np.sqrt(np.mean(hum**2))


def slow_gain(length: int, rate_hz: float, spread_db: float, rng: np.random.Generator) -> Curve:
    """A smooth random gain: normal values in dB, `rate_hz` a second, with cosine interpolation between them."""
    place = np.arange(length) * (rate_hz / SAMPLE_RATE_HZ)
    knots = rng.normal(0.0, spread_db, int(place[-1]) + 2)
    left = place.astype(int)
    weight = 0.5 - 0.5 * np.cos(np.pi * (place - left))
    return 10.0 ** ((knots[left] * (1.0 - weight) + knots[left + 1] * weight) / 20.0)

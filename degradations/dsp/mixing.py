"""RMS, mixing, tiling and SNR scaling of signals."""

from __future__ import annotations

import math

import numpy as np
from numba import njit

from megaasr import Samples

from .buffers import room_for
from .lanes import fma, load, load_until, no_energy, splat, store, total, with_squares
from .vector_types import LANES


def rms(samples: Samples) -> float:
    """Root mean square of samples, shape (num_samples,); 0 for an empty array.

    Summed in double precision in a fixed order, so that the result does not depend on the vector instructions
    of the machine.
    """
    if len(samples) == 0:
        return 0.0
    return math.sqrt(energy(samples, 0, len(samples)) / len(samples))


def mixed(samples: Samples, gain: float, other: Samples, other_gain: float) -> Samples:
    """``gain * samples + other_gain * other`` with two roundings; both arrays of shape (num_samples,)."""
    out = room_for(len(samples))
    _mix(samples, other, len(samples), out, np.float32(gain), np.float32(other_gain))
    return out[: len(samples)]


def tile_from(noise: Samples, offset_samples: int, num_samples: int) -> Samples:
    """`num_samples` of `noise` starting at `offset_samples`; the noise is repeated if it is too short.

    If the noise is long enough, the result is a view that must not be written to. Empty noise gives silence.
    """
    if len(noise) == 0:
        return np.zeros(num_samples, np.float32)
    start = offset_samples % len(noise)
    if start + num_samples <= len(noise):
        return noise[start : start + num_samples]
    missing = num_samples - (len(noise) - start)
    pieces = [noise[start:], *[noise] * (missing // len(noise)), noise[: missing % len(noise)]]
    return np.concatenate(pieces)


def with_noise(samples: Samples, noise: Samples, snr_db: float, wet: float) -> tuple[Samples, float, float]:
    """Add noise at an SNR of `snr_db`, by RMS over the whole clip; the noise is then multiplied by `wet`.

    If either signal is silent, the SNR is undefined and no noise is added; the returned energies show it.

    Args:
        samples, noise: shape (num_samples,).
        snr_db: speech-to-noise ratio in dB, before `wet`.
        wet: factor on the noise.

    Returns:
        The sum, and the energies of `samples` and of `noise` before scaling.
    """
    out = room_for(len(samples))
    energies = _with_noise(samples, noise, out, wet * 10.0 ** (-snr_db / 20.0))
    return out[: len(samples)], *energies


@njit(cache=True, nogil=True)
def energy(samples, start, stop):  # type: ignore[no-untyped-def]
    """Sum of the squares of ``samples[start:stop]`` in double precision; for compiled code."""
    even = odd = no_energy()
    whole = start + (stop - start) // (2 * LANES) * (2 * LANES)
    for i in range(start, whole, 2 * LANES):
        even = with_squares(even, load(samples, i))
        odd = with_squares(odd, load(samples, i + LANES))
    for i in range(whole, stop, LANES):
        even = with_squares(even, load_until(samples, i, stop))
    return total(even) + total(odd)


@njit(cache=True, nogil=True)
def _energies(samples, other, num_samples):  # type: ignore[no-untyped-def]
    """Energies of two signals, computed in one pass."""
    first = second = no_energy()
    whole = num_samples // LANES * LANES
    for i in range(0, whole, LANES):
        first = with_squares(first, load(samples, i))
        second = with_squares(second, load(other, i))
    if whole < num_samples:
        first = with_squares(first, load_until(samples, whole, num_samples))
        second = with_squares(second, load_until(other, whole, num_samples))
    return total(first), total(second)


@njit(cache=True, nogil=True)
def _with_noise(samples, noise, out, factor):  # type: ignore[no-untyped-def]
    speech_energy, noise_energy = _energies(samples, noise, len(samples))
    gain = factor * math.sqrt(speech_energy / noise_energy) if noise_energy > 0.0 else 0.0
    _mix(samples, noise, len(samples), out, np.float32(1.0), np.float32(gain))
    return speech_energy, noise_energy


@njit(cache=True, nogil=True)
def _mix(samples, other, num_samples, out, gain, other_gain):  # type: ignore[no-untyped-def]
    gains, other_gains = splat(gain), splat(other_gain)
    whole = num_samples // LANES * LANES
    for i in range(0, whole, LANES):
        store(out, i, fma(load(other, i), other_gains, load(samples, i) * gains))
    if whole < num_samples:
        end = load_until(samples, whole, num_samples) * gains
        store(out, whole, fma(load_until(other, whole, num_samples), other_gains, end))

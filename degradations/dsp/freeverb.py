"""Freeverb by Jezar at Dreampoint (public domain): a Schroeder reverberator of eight combs and four allpasses."""

from __future__ import annotations

import numpy as np
from numba import njit

from megaasr import ParameterError, Samples

from .buffers import room_for
from .lanes import delay1, delay2, delay4, delay8, flushed, fma, load, load_until, splat, store
from .vector_types import LANES

TUNED_RATE_HZ = 44_100
COMBS = (1116, 1188, 1277, 1356, 1422, 1491, 1557, 1617)
ALLPASSES = (556, 441, 341, 225)
"""Delays of the combs and allpasses in samples at `TUNED_RATE_HZ`."""
NUM_COMBS = len(COMBS)
LOWEST_RATE_HZ = -(-LANES * TUNED_RATE_HZ // ALLPASSES[-1])
"""Lowest supported sample rate; below it the shortest delay is shorter than a vector."""
INPUT_GAIN = 0.015
WET_SCALE, DRY_SCALE = 3.0, 2.0
ROOM_SCALE, ROOM_OFFSET = 0.28, 0.7
DAMPING_SCALE = 0.4
ALLPASS_FEEDBACK = 0.5
BLOCK = 2048
"""Number of samples per block; the delay lines and one block fit into the first-level cache."""


def freeverb(
    samples: Samples,
    sample_rate: int,
    room_size: float,
    damping: float,
    wet_level: float,
    dry_level: float,
    width: float = 1.0,
) -> Samples:
    """Add reverberation; the length and the timing of the direct sound are kept, the tail beyond the end is cut.

    A comb feeds back ``room_size * 0.28 + 0.7`` of its output through a one-pole low-pass with coefficient
    ``damping * 0.4``; the sum of the combs passes through the allpasses ``(1.5 z^-n - 1) / (1 - 0.5 z^-n)``, and the
    result is ``2 * dry_level * x + 3 * wet_level * (1 + width) / 2 * reverberation``. This is the mono path of JUCE's
    Reverb, also in single precision.

    Args:
        samples: shape (num_samples,).
        sample_rate: in Hz; the delays are scaled to it and rounded down.
        room_size, damping, wet_level, dry_level: each in [0, 1].
        width: width of the stereo image, in [0, 1]; for mono it only scales the wet level.

    Raises:
        ParameterError: the sample rate is below 3,136 Hz.
    """
    if sample_rate < LOWEST_RATE_HZ:
        raise ParameterError(f"add_reverb: a sample rate of {sample_rate} Hz is below its lowest, {LOWEST_RATE_HZ} Hz")
    delays = [delay * sample_rate // TUNED_RATE_HZ for delay in COMBS + ALLPASSES]
    pole = damping * DAMPING_SCALE
    feedback = (1.0 - pole) * (room_size * ROOM_SCALE + ROOM_OFFSET)
    wet = (
        wet_level * WET_SCALE * 0.5 * (1.0 + width) * INPUT_GAIN
    )  # the lines are linear, so the input gain can be applied at the output
    out = room_for(len(samples))
    gains = np.array([feedback, wet, dry_level * DRY_SCALE], np.float32)
    row = (max(delays) // LANES + 3) * LANES + BLOCK
    lines = room_for(len(delays) * row).reshape(len(delays), row)
    _reverberate(samples, out, np.array(delays), lines, _powers(pole), gains)
    return out[: len(samples)]


def _powers(pole: float) -> Samples:
    """``p, p^2 ... p^16`` as float32.

    Powers below 1e-20 are set to 0: they do not change a sample, and would produce slow denormal numbers.
    """
    powers = np.float64(pole) ** np.arange(1, 17)
    return np.where(np.abs(powers) < 1e-20, 0.0, powers).astype(np.float32)


@njit(cache=True, nogil=True)
def _reverberate(samples, out, delays, lines, powers, gains):  # type: ignore[no-untyped-def]
    """Process all blocks. A row of `lines` holds the last `delay` samples of a delay line, then the block's input."""
    num_samples = len(samples)
    lines[:] = 0.0
    ringing = np.zeros((NUM_COMBS, 4, LANES), np.float32)
    dry, mix = np.empty(BLOCK, np.float32), np.empty(BLOCK, np.float32)
    for start in range(0, num_samples, BLOCK):
        size = min(BLOCK, (num_samples - start + LANES - 1) // LANES * LANES)
        for i in range(0, size, LANES):
            store(dry, i, load_until(samples, start + i, num_samples))
            store(mix, i, splat(0.0))
        for comb in range(0, NUM_COMBS, 2):
            a, b = _past(lines, delays, comb), _past(lines, delays, comb + 1)
            _two_combs(dry, size, a, b, delays[comb : comb + 2], ringing[comb : comb + 2], mix, powers, gains)
        a, b = _past(lines, delays, NUM_COMBS), _past(lines, delays, NUM_COMBS + 1)
        c, d = _past(lines, delays, NUM_COMBS + 2), _past(lines, delays, NUM_COMBS + 3)
        _allpasses(dry, size, a, b, c, d, delays[NUM_COMBS:], mix, out[start:], gains)
        for each in range(len(delays)):
            _move_back(_past(lines, delays, each), size, delays[each])


@njit(cache=True, nogil=True)
def _past(lines, delays, each):  # type: ignore[no-untyped-def]
    """A delay line, offset so that the block's input is aligned to cache lines."""
    return lines[each, -delays[each] % LANES :]


@njit(cache=True, nogil=True)
def _low_pass(past, state, first, second, fourth, eighth):  # type: ignore[no-untyped-def]
    """The sum of the last sixteen ``p^k past`` (p^16 is below 5e-7), and the state for the next vector."""
    two = fma(first, delay1(state[0], past), past)
    four = fma(second, delay2(state[1], two), two)
    eight = fma(fourth, delay4(state[2], four), four)
    return fma(eighth, delay8(state[3], eight), eight), (past, two, four, eight)


@njit(cache=True, nogil=True)
def _two_combs(dry, size, here, there, delays, ringing, mix, powers, gains):  # type: ignore[no-untyped-def]
    """Process one block with two combs at a time, which share the loads and stores of `dry` and `mix`."""
    first, second, fourth, eighth = splat(powers[0]), splat(powers[1]), splat(powers[3]), splat(powers[7])
    feedback = splat(gains[0])
    a = (load(ringing[0, 0], 0), load(ringing[0, 1], 0), load(ringing[0, 2], 0), load(ringing[0, 3], 0))
    b = (load(ringing[1, 0], 0), load(ringing[1, 1], 0), load(ringing[1, 2], 0), load(ringing[1, 3], 0))
    for i in range(0, size, LANES):
        x, past, other = load(dry, i), load(here, i), load(there, i)
        low, a = _low_pass(past, a, first, second, fourth, eighth)
        store(here, delays[0] + i, fma(low, feedback, x))
        low, b = _low_pass(other, b, first, second, fourth, eighth)
        store(there, delays[1] + i, fma(low, feedback, x))
        store(mix, i, load(mix, i) + (past + other))
    _keep(ringing[0], a)
    _keep(ringing[1], b)


@njit(cache=True, nogil=True)
def _keep(ringing, state):  # type: ignore[no-untyped-def]
    store(ringing[0], 0, state[0])
    store(ringing[1], 0, state[1])
    store(ringing[2], 0, state[2])
    store(ringing[3], 0, state[3])


@njit(cache=True, nogil=True)
def _allpasses(dry, size, a, b, c, d, delays, mix, out, gains):  # type: ignore[no-untyped-def]
    """Process one block with the four allpasses, mix in the dry signal, and write the output."""
    half, wet, direct = splat(ALLPASS_FEEDBACK), splat(gains[1]), splat(gains[2])
    for i in range(0, size, LANES):
        x = load(mix, i)
        past = load(a, i)
        store(a, delays[0] + i, fma(past, half, x))
        x, past = past - x, load(b, i)
        store(b, delays[1] + i, fma(past, half, x))
        x, past = past - x, load(c, i)
        store(c, delays[2] + i, fma(past, half, x))
        x, past = past - x, load(d, i)
        store(d, delays[3] + i, fma(past, half, x))
        store(out, i, fma(past - x, wet, load(dry, i) * direct))


@njit(cache=True, nogil=True)
def _move_back(line, size, delay):  # type: ignore[no-untyped-def]
    """Copy the last `delay` samples to the start of the line for the next block; flush tiny numbers to 0."""
    for i in range(0, delay, LANES):
        store(line, i, flushed(load(line, size + i)))

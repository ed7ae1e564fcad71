"""Counter-based white noise: each sample is a function of the key and its index, independent of other samples."""

from __future__ import annotations

import numpy as np
from numba import njit

from megaasr import Samples

from .lanes import counting, fma, from_bits, largest, splat, splat_bits, sqrt, store, to_bits, to_floats
from .raw_draws import words

LOG = (0.999998764, -0.49987192, 0.331120519, -0.235148642, 0.149434577, -0.066588049, 0.0142028339)
"""``ln(1 + x) / x`` on [0, 1], within 1.3e-6."""
SINE = (1.57079632, -0.645963760, 0.0796899226, -0.00467415067, 0.000151675118)
COSINE = (1.0, -1.23370053, 0.253669322, -0.0208626875, 0.000917723882, -2.38245355e-05)
"""``sin(pi x / 2) / x`` and ``cos(pi x / 2)`` in powers of x^2 on [0, 1], within 1e-8."""
LN2 = 0.6931471805599453


def standard_normals(num_samples: int, rng: np.random.Generator) -> Samples:
    """Independent standard normal numbers, float32, shape (num_samples,), at most 5.9 in magnitude.

    Box-Muller transform (1958) of 24-bit uniform numbers, which are hashes of a counter (two keyed rounds of a 32-bit
    mixer of multiplications and shifts). The keys are four raw numbers of 32 bits from `rng`, for any length. The noise
    of a clip is therefore a prefix of the noise of a longer clip, and its bits do not depend on the vector
    instructions of the machine.
    """
    out = np.empty(-(-num_samples // 32) * 32, np.float32)
    _fill(out, words(rng, 4))
    return out[:num_samples]


@njit(cache=True, nogil=True)
def _mixed(bits):  # type: ignore[no-untyped-def]
    """Integer hash: every bit of the result depends on every bit of the input."""
    bits = (bits ^ (bits >> splat_bits(16))) * splat_bits(0x7FEB352D)
    bits = (bits ^ (bits >> splat_bits(15))) * splat_bits(0x846CA68B)
    return bits ^ (bits >> splat_bits(16))


@njit(cache=True, nogil=True)
def _fill(out, keys):  # type: ignore[no-untyped-def]
    """``sqrt(-2 ln u) (cos, sin)(2 pi v)``: u and the angle within a quadrant have 24 bits, the quadrant two more."""
    sign = splat_bits(0x80000000)
    for i in range(0, len(out), 32):
        count = counting() + splat_bits(i // 2)
        first = _mixed(_mixed(count ^ splat_bits(keys[0])) + splat_bits(keys[1]))
        second = _mixed(_mixed(count ^ splat_bits(keys[2])) + splat_bits(keys[3]))
        uniform = to_floats(first >> splat_bits(8)) + splat(0.5)  # times 2^-24 in (0, 1]
        bits = to_bits(uniform)
        exponent = to_floats((bits >> splat_bits(23)) - splat_bits(127 + 24))
        x = from_bits((bits & splat_bits(0x007FFFFF)) | splat_bits(0x3F800000)) - splat(1.0)
        log = splat(LOG[6])
        for power in (5, 4, 3, 2, 1, 0):
            log = fma(log, x, splat(LOG[power]))
        log = fma(exponent, splat(LN2), log * x)
        radius = sqrt(largest(log * splat(-2.0), splat(0.0)))
        turn = to_floats(second >> splat_bits(8)) * splat(2.0**-24)
        square = turn * turn
        sine, cosine = splat(SINE[4]), splat(COSINE[5])
        for power in (3, 2, 1, 0):
            sine = fma(sine, square, splat(SINE[power]))
        for power in (4, 3, 2, 1, 0):
            cosine = fma(cosine, square, splat(COSINE[power]))
        left, right = to_bits(radius * cosine), to_bits(radius * turn * sine)
        store(out, i, from_bits(left ^ ((first << splat_bits(31)) & sign)))
        store(out, i + 16, from_bits(right ^ ((second << splat_bits(31)) & sign)))

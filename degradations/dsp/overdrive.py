"""Overdrive: a hyperbolic tangent with gain."""

from __future__ import annotations

import numpy as np
from numba import njit

from megaasr import Samples

from .buffers import room_for
from .lanes import fma, largest, load_until, smallest, splat, store
from .vector_types import LANES

ABOVE = (0.99999998, 0.133810505, 0.0034956167, 2.0609518e-05, 1.3355195e-08)
BELOW = (1.0, 0.467143662, 0.0258770933, 0.00032856801, 7.77679182e-07)
"""Coefficients of P and Q in ``tanh x = x P(x^2) / Q(x^2)``: minimax fit for |x| <= 9 with a relative error of 2e-8."""
FLAT = 9.0


def overdrive(samples: Samples, gain: float, wet: float) -> Samples:
    """``(1 - wet) x + wet tanh(gain x)``, clipped at ±1, in single precision with a relative error below 4e-7.

    The bits do not depend on the vector instructions of the machine, unlike those of libraries' hyperbolic tangents.

    Args:
        samples: shape (num_samples,).
        gain: factor before the hyperbolic tangent.
        wet: share of the distorted sound, in [0, 1].
    """
    out = room_for(len(samples))
    _overdrive(samples, len(samples), out, np.float32(gain), np.float32(wet), np.float32(1.0 - wet))
    return out[: len(samples)]


@njit(cache=True, nogil=True)
def _overdrive(samples, num_samples, out, gain, wet, dry):  # type: ignore[no-untyped-def]
    one = splat(1.0)
    for i in range(0, num_samples, LANES):
        x = load_until(samples, i, num_samples)
        driven = smallest(largest(x * splat(gain), splat(-FLAT)), splat(FLAT))
        square = driven * driven
        above, below = splat(ABOVE[4]), splat(BELOW[4])
        for power in (3, 2, 1, 0):
            above = fma(above, square, splat(ABOVE[power]))
            below = fma(below, square, splat(BELOW[power]))
        curve = driven * above / below
        store(out, i, smallest(largest(fma(curve, splat(wet), x * splat(dry)), splat(-1.0)), one))

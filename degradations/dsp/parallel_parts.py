"""A recursive filter on sixteen parts of a clip at once, each part a lane.

A recursion waits for its own last result; sixteen of them side by side do not wait for each other. Each part begins as
many samples early as the filter remembers, so that its first output is what one pass over the whole clip would give.
"""

from __future__ import annotations

import math
from functools import lru_cache

from numba import njit

from .lanes import load, load_until, splat, store, transpose
from .vector_types import LANES


@lru_cache(maxsize=256)
def lengths(num_samples: int, pole: float, passes: int, residue: float = 1e-10) -> tuple[int, int]:
    """Samples a part, and samples that it begins early; both in whole tiles of 16.

    `passes` poles at p forget as ``n^(passes - 1) |p|^n``: early enough is where that is below `residue`, by default
    one that single precision does not resolve.
    """
    length = -(-num_samples // (LANES * LANES)) * LANES
    decay = -math.log(max(abs(pole), 1e-8)) or 1e-17  # a pole that rounds to 1 forgets nothing: begin with the clip
    early = 1.0
    for _ in range(8):  # n = ((passes - 1) ln n - ln residue) / decay, which converges fast
        early = max(1.0, ((passes - 1) * math.log(early) - math.log(residue)) / decay)
    return length, min(math.ceil(early / LANES), length) * LANES


@njit(cache=True, nogil=True)
def fetch(samples, num_samples, step, length, tile):  # type: ignore[no-untyped-def]
    """Sixteen samples from `step` on of each part, into ``tile[sample * 16 + part]``; zeros outside of the clip."""
    if step >= 0 and step + (LANES - 1) * length + LANES <= num_samples:
        transpose(samples, step, length, tile, 0, LANES)
        return
    for part in range(LANES):
        at = part * length + step
        inside = 0 <= at < num_samples
        store(tile, part * LANES, load_until(samples, at, num_samples) if inside else splat(0.0))
    transpose(tile, 0, LANES, tile, 0, LANES)


@njit(cache=True, nogil=True)
def put(tile, out, step, length):  # type: ignore[no-untyped-def]
    """Write a tile back to where `fetch` would find it; `out` is a whole number of vectors long."""
    if step + (LANES - 1) * length + LANES <= len(out):
        transpose(tile, 0, LANES, out, step, length)
        return
    transpose(tile, 0, LANES, tile, 0, LANES)
    for part in range(LANES):
        at = part * length + step
        if at < len(out):
            store(out, at, load(tile, part * LANES))

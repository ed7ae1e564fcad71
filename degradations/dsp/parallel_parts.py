"""Recursive filtering of sixteen parts of a clip in parallel, one part per lane.

Each step of a recursion depends on the previous result, but sixteen recursions do not depend on each other. Each part
starts early by the memory of the filter, so that its output equals that of a single pass over the whole clip.
"""

from __future__ import annotations

import math
from functools import lru_cache

from numba import njit

from .lanes import load, load_until, splat, store, transpose
from .vector_types import LANES


@lru_cache(maxsize=256)
def lengths(num_samples: int, pole: float, passes: int, residue: float = 1e-10) -> tuple[int, int]:
    """Number of samples per part, and of samples by which each part starts early; both multiples of 16.

    The response of `passes` poles at p decays as ``n^(passes - 1) |p|^n``; the early start is long enough for it to
    fall below `residue`, by default below the resolution of single precision.
    """
    length = -(-num_samples // (LANES * LANES)) * LANES
    decay = -math.log(max(abs(pole), 1e-8)) or 1e-17  # a pole that rounds to 1 forgets nothing: begin with the clip
    early = 1.0
    for _ in range(8):  # n = ((passes - 1) ln n - ln residue) / decay, which converges fast
        early = max(1.0, ((passes - 1) * math.log(early) - math.log(residue)) / decay)
    return length, min(math.ceil(early / LANES), length) * LANES


@njit(cache=True, nogil=True)
def fetch(samples, num_samples, step, length, tile):  # type: ignore[no-untyped-def]
    """Copy sixteen samples of each part, from `step` on, to ``tile[sample * 16 + part]``; zeros outside the clip."""
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
    """Copy a tile to the positions that `fetch` reads; the length of `out` is a multiple of the vector length."""
    if step + (LANES - 1) * length + LANES <= len(out):
        transpose(tile, 0, LANES, out, step, length)
        return
    transpose(tile, 0, LANES, tile, 0, LANES)
    for part in range(LANES):
        at = part * length + step
        if at < len(out):
            store(out, at, load(tile, part * LANES))

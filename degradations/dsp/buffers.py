"""Output arrays that hold whole vectors and are aligned to cache lines."""

from __future__ import annotations

import numpy as np

from megaasr import Samples

from .vector_types import LANES

LINE_BYTES = 64


def room_for(num_samples: int) -> Samples:
    """An uninitialised, aligned array for `num_samples` of output, with the length rounded up to whole vectors."""
    size = -(-num_samples // LANES) * LANES
    buffer = np.empty(size + LANES, np.float32)
    skip = -buffer.__array_interface__["data"][0] % LINE_BYTES // buffer.itemsize
    return buffer[skip : skip + size]

"""Arrays of whole vectors, at addresses where a vector lies in one cache line."""

from __future__ import annotations

import numpy as np

from megaasr import Samples

from .vector_types import LANES

LINE_BYTES = 64


def room_for(num_samples: int) -> Samples:
    """An array for `num_samples` of output, its length rounded up to whole vectors; what it holds is undefined."""
    size = -(-num_samples // LANES) * LANES
    room = np.empty(size + LANES, np.float32)
    skip = -room.__array_interface__["data"][0] % LINE_BYTES // room.itemsize
    return room[skip : skip + size]

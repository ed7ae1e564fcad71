"""Random numbers of rendering from the raw stream of Philox, which no version of numpy changes.

The methods of `numpy.random.Generator` may give other numbers in another version of numpy (NEP 19); the raw stream of a
bit generator does not. Drawn numbers of a plan are stored in its recipes, so only rendering needs this.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt


def words(rng: np.random.Generator, count: int) -> npt.NDArray[np.int64]:
    """`count` (even) integers in [0, 2^32), int64: the low half of each raw number, then its high half."""
    raw = np.asarray(rng.bit_generator.random_raw(count // 2), dtype=np.uint64)
    return np.stack([raw & np.uint64(0xFFFFFFFF), raw >> np.uint64(32)], axis=1).ravel().astype(np.int64)


def uniforms(rng: np.random.Generator, count: int) -> npt.NDArray[np.float64]:
    """`count` numbers in [0, 1), float64: the upper 53 bits of each raw number."""
    raw = np.asarray(rng.bit_generator.random_raw(count), dtype=np.uint64)
    return (raw >> np.uint64(11)).astype(np.float64) * 2.0**-53

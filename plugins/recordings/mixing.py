"""Many channels to one: their mean, one of them, or the loudest where the mean would cancel."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from megaasr import Samples

from .sound import Sound

CANCELLED = 0.2
"""Power of the mix, relative to that of the mix of unrelated channels, below which it has cancelled: copies of opposite
phase give 0, unrelated channels 1, and equal ones their number. Lossy coding of such copies leaves less than this."""


def mono(sound: Sound, channel: int | None, check: Callable[[int], None]) -> tuple[Samples, set[str]]:
    """The samples of a sound as one channel, and the flags ``mixed`` and ``inverted`` where they apply.

    Args:
        channel: the one that is read, from 0; None: the mean of all.
        check: called with the number of frames so far; raises where there are too many.
    """
    parts, total, of_mix, power = list[Samples](), 0, 0.0, np.zeros(())
    chosen = 0 if sound.channels == 1 else channel
    for block in sound.blocks():
        check(total := total + len(block))
        if chosen is None:
            mixed = block.mean(axis=1)
            of_mix += float(np.square(mixed, dtype=np.float64).sum())
            power = power + np.square(block, dtype=np.float64).sum(axis=0)
        else:
            mixed = block[:, chosen]
        parts.append(np.ascontiguousarray(mixed))
    if chosen is None and of_mix < CANCELLED * power.sum() / sound.channels**2:
        return mono(sound, int(power.argmax()), check)[0], {"inverted"}
    samples = parts[0] if len(parts) == 1 else np.concatenate([np.zeros(0, np.float32), *parts])
    return samples, {"mixed"} if chosen is None else set()

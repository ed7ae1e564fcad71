"""The endless sequence of clips that rollouts are drawn of: pass after pass, each in another keyed order."""

from __future__ import annotations

from functools import lru_cache

from megaasr import SampleKey


class Prompts:
    """The number of the clip at any place of the sequence; a pure function of the seed and the place.

    Args:
        count: number of clips.
        seed: of the order.
    """

    def __init__(self, count: int, seed: int) -> None:
        self._count, self._seed = count, seed

    def at(self, place: int) -> int:
        """The clip at a place, from 0 on."""
        epoch, position = divmod(place, self._count)
        return _order(self._count, self._seed, epoch)[position]


@lru_cache(maxsize=4)
def _order(count: int, seed: int, epoch: int) -> tuple[int, ...]:
    return tuple(SampleKey(seed, "rl prompts", epoch).rng("order").permutation(count).tolist())

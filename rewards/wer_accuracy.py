"""wer_accuracy: one minus the word error rate."""

from __future__ import annotations

from collections.abc import Callable
from math import inf
from typing import ClassVar

from pydantic import Field

from megaasr import SamplePair, hookimpl

from .pair_reward import PairReward


class WerAccuracy(PairReward):
    """``R_wer = 1 - WER(H, R)`` over words, or over characters of Chinese (Mega-ASR, DG-WGPO).

    WER is edits / max(|R|, 1). It is above 1 when there are more edits than reference tokens, and the score is then
    negative: it has no lower bound unless `floor` sets one. With an empty reference an empty hypothesis scores 1 and n
    words score 1 - n; an empty hypothesis scores 0. Without a reference the term abstains.

    >>> from megaasr import RewardSample
    >>> WerAccuracy().score([RewardSample("the cat sat", "the cat sat down"), RewardSample("a b c d", "x")])
    [0.75, -3.0]
    """

    name: ClassVar[str] = "wer_accuracy"
    bounds: ClassVar[tuple[float, float]] = (-inf, 1.0)

    floor: float | None = Field(None, le=1.0, description="smallest score; none if not given, as in the paper")

    def scorer(self) -> Callable[[SamplePair], float]:
        """One minus WER, no less than the floor."""
        floor = -inf if self.floor is None else self.floor
        return lambda pair: max(floor, 1.0 - pair.wer)


@hookimpl
def register_rewards(register):
    register(WerAccuracy)

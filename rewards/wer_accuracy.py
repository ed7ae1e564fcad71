"""wer_accuracy: one minus the word error rate."""

from __future__ import annotations

from collections.abc import Sequence
from math import inf
from typing import ClassVar

from pydantic import Field

from megaasr import Reward, RewardSample, Score, hookimpl

from .pairs import pair_of


class WerAccuracy(Reward):
    """``R_wer = 1 - WER(H, R)`` over words, or over characters of Chinese (Mega-ASR, DG-WGPO).

    WER is edits / max(|R|, 1). It is above 1 when there are more edits than reference tokens, and the score is then
    negative: it has no lower bound unless `floor` sets one. With an empty reference an empty hypothesis scores 1 and n
    words score 1 - n; an empty hypothesis scores 0. Without a reference the term abstains.

    >>> WerAccuracy().score([RewardSample("the cat sat", "the cat sat down"), RewardSample("a b c d", "x")])
    [0.75, -3.0]
    """

    name: ClassVar[str] = "wer_accuracy"
    bounds: ClassVar[tuple[float, float]] = (-inf, 1.0)

    floor: float | None = Field(None, le=1.0, description="smallest score; none if not given, as in the paper")

    def score(self, batch: Sequence[RewardSample]) -> list[Score]:
        """One score a sample."""
        return [self._one(sample) for sample in batch]

    def _one(self, sample: RewardSample) -> Score:
        pair = pair_of(sample)
        if pair is None:
            return None
        score = 1.0 - pair.alignment.wer
        return score if self.floor is None else max(self.floor, score)


@hookimpl
def register_rewards(register):
    register(WerAccuracy)

"""Base class of the terms that look at hypothesis and reference alone, each compared pair for itself."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Sequence

from megaasr import Reward, RewardSample, SamplePair, Score, pairs_of


class PairReward(Reward):
    """A term that scores the compared pair of a sample; without a reference it abstains."""

    @abstractmethod
    def scorer(self) -> Callable[[SamplePair], float]:
        """The function that scores a pair; a reward that is composed of others calls theirs."""

    def score(self, batch: Sequence[RewardSample]) -> list[Score]:
        """One score a sample."""
        score = self.scorer()
        return [None if pair is None else score(pair) for pair in pairs_of(batch)]

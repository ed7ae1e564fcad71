"""sentence_reconstruction: is the sentence there, in order and in length."""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar

from megaasr import SamplePair, hookimpl

from .pair_reward import PairReward


class SentenceReconstruction(PairReward):
    """``R_struc = 1/2 LCS(H, R) / |R| + 1/2 max(0, 1 - ||H| - |R|| / |R|)`` (Mega-ASR, DG-WGPO).

    LCS is the longest common subsequence of tokens. An empty hypothesis scores 0. With an empty reference the score is
    1 for an empty hypothesis and 0 for words. Without a reference the term abstains.

    Below: three of four tokens in order, and a length of three for four: 1/2 * 3/4 + 1/2 * 3/4.

    >>> from megaasr import RewardSample
    >>> SentenceReconstruction().score([RewardSample("the cat down", "the cat sat down")])
    [0.75]
    """

    name: ClassVar[str] = "sentence_reconstruction"

    def scorer(self) -> Callable[[SamplePair], float]:
        """Order and length, half each."""
        return _score


def _score(pair: SamplePair) -> float:
    said, heard = pair.ref_len, pair.hyp_len
    if said == 0:
        return 1.0 if heard == 0 else 0.0
    return 0.5 * (pair.lcs / said) + 0.5 * max(0.0, 1.0 - abs(heard - said) / said)


@hookimpl
def register_rewards(register):
    register(SentenceReconstruction)

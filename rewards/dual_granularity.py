"""dual_granularity: words when the transcript is nearly right, the sentence when it is not."""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar

from pydantic import Field

from megaasr import SamplePair, hookimpl

from .pair_reward import PairReward
from .sentence_reconstruction import SentenceReconstruction
from .token_refinement import TokenRefinement


class DualGranularity(PairReward):
    """``R_dynamic = 3/4 R_fine + 1/4 R_struc`` if WER < tau, else ``1/4 R_fine + 3/4 R_struc`` (Mega-ASR, DG-WGPO).

    Below the gate a model is polished word by word; from the gate on it must first find the sentence again. Without a
    reference the term abstains.

    Below, "town" for "down" is soft: R_fine = 3 / 3.4, R_struc = 1/2 * 3/4 + 1/2, and WER 1/4 is under 0.3 but not
    under 0.25.

    >>> from megaasr import RewardSample
    >>> sample = RewardSample("the cat sat town", "the cat sat down")
    >>> fine = TokenRefinement().score([sample])[0]
    >>> below, beyond = (DualGranularity(tau=tau).score([sample])[0] for tau in (0.3, 0.25))
    >>> [round(score, 6) for score in (fine, below, beyond)]
    [0.882353, 0.880515, 0.876838]
    """

    name: ClassVar[str] = "dual_granularity"

    tau: float = Field(0.3, ge=0.0, description="WER at which the gate turns")
    major: float = Field(0.75, ge=0.5, le=1.0, description="weight of the term that the gate favours")
    soft_weight: float = Field(0.4, ge=0.0, le=1.0, description="a_s of token_refinement")
    min_similarity: float = Field(0.5, ge=0.0, le=1.0, description="min_similarity of token_refinement")

    def scorer(self) -> Callable[[SamplePair], float]:
        """The sum of the two terms, with the weights of the side of the gate on which the pair is."""
        fine = TokenRefinement(soft_weight=self.soft_weight, min_similarity=self.min_similarity).scorer()
        structure = SentenceReconstruction().scorer()
        tau, major, minor = self.tau, self.major, 1.0 - self.major

        def score(pair: SamplePair) -> float:
            weight = major if pair.wer < tau else minor
            return weight * fine(pair) + (1.0 - weight) * structure(pair)

        return score


@hookimpl
def register_rewards(register):
    register(DualGranularity)

"""token_refinement: how many tokens are right, and how near the wrong ones are."""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar

from pydantic import Field

from megaasr import SamplePair, hookimpl

from .pair_reward import PairReward

EPSILON = 1e-8


class TokenRefinement(PairReward):
    """``R_fine = n_C / (n_C + n_hard + soft_weight * n_soft + 1e-8)`` (Mega-ASR, DG-WGPO).

    n_C counts hits. A substitution (h, r) is soft when ``1 - edit(h, r) / max(|h|, |r|)`` over characters is at least
    `min_similarity`, else hard; insertions and deletions are hard. An empty hypothesis scores 0, as do words where the
    reference is empty; nothing where nothing was said scores 1. Without a reference the term abstains.

    Below: "the" is right, "cats" is near "cat" (similarity 3/4), "down" is missing: 1 / (1 + 1 + 0.4 * 1).

    >>> from megaasr import RewardSample
    >>> [round(score, 6) for score in TokenRefinement().score([RewardSample("the cats", "the cat down")])]
    [0.416667]
    """

    name: ClassVar[str] = "token_refinement"

    soft_weight: float = Field(0.4, ge=0.0, le=1.0, description="a_s: weight of a soft substitution")
    min_similarity: float = Field(0.5, ge=0.0, le=1.0, description="similarity from which a substitution is soft")

    def scorer(self) -> Callable[[SamplePair], float]:
        """The share of hits, soft substitutions counted in part."""
        soft_weight, least = self.soft_weight, self.min_similarity

        def score(pair: SamplePair) -> float:
            if not (pair.ref_len or pair.hyp_len):
                return 1.0
            soft = len([similarity for similarity in pair.similarities if similarity >= least])
            hard = pair.num_edits - soft
            return pair.hits / (pair.hits + hard + soft_weight * soft + EPSILON)

        return score


@hookimpl
def register_rewards(register):
    register(TokenRefinement)

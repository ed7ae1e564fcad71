"""token_refinement: how many tokens are right, and how near the wrong ones are."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from pydantic import Field

from megaasr import Reward, RewardSample, Score, hookimpl

from .pairs import Pair, pair_of

EPSILON = 1e-8


class TokenRefinement(Reward):
    """``R_fine = n_C / (n_C + n_hard + soft_weight * n_soft + 1e-8)`` (Mega-ASR, DG-WGPO).

    n_C counts hits. A substitution (h, r) is soft when ``1 - edit(h, r) / max(|h|, |r|)`` over characters is at least
    `min_similarity`, else hard; insertions and deletions are hard. An empty hypothesis scores 0, as do words where the
    reference is empty; nothing where nothing was said scores 1. Without a reference the term abstains.

    Below: "the" is right, "cats" is near "cat" (similarity 3/4), "down" is missing: 1 / (1 + 1 + 0.4 * 1).

    >>> [round(score, 6) for score in TokenRefinement().score([RewardSample("the cats", "the cat down")])]
    [0.416667]
    """

    name: ClassVar[str] = "token_refinement"

    soft_weight: float = Field(0.4, ge=0.0, le=1.0, description="a_s: weight of a soft substitution")
    min_similarity: float = Field(0.5, ge=0.0, le=1.0, description="similarity from which a substitution is soft")

    def score(self, batch: Sequence[RewardSample]) -> list[Score]:
        """One score a sample."""
        return [self._one(pair_of(sample)) for sample in batch]

    def _one(self, pair: Pair | None) -> Score:
        if pair is None:
            return None
        if not pair.alignment.pairs:
            return 1.0
        hits = pair.alignment.hits
        soft = self._soft(pair)
        hard = pair.alignment.num_edits - soft
        return hits / (hits + hard + self.soft_weight * soft + EPSILON)

    def _soft(self, pair: Pair) -> int:
        from rapidfuzz.distance import Levenshtein

        substituted = ((r, h) for operation, r, h in pair.alignment.pairs if operation == "substitution" and r and h)
        return sum(Levenshtein.normalized_similarity(r, h) >= self.min_similarity for r, h in substituted)


@hookimpl
def register_rewards(register):
    register(TokenRefinement)

"""`ComposedReward`: a weighted sum of reward terms."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import ClassVar

from megaasr_core.base.errors import ParameterError
from megaasr_core.contracts.reward import Reward, RewardSample, Score, checked_scores

from .reward_terms import Abstain, BatchScores, Term, WordErrorRate
from .term_scores import TermScores, term_scores

TOTAL = "total"
"""Label of the weighted sum among the terms."""


class ComposedReward:
    """``sum over terms of weight * gate * score``. Weights are taken as they are and need not add up to 1.

    A term abstains on a sample when its reward or its gate does. Terms of weight 0 are scored and reported, and do not
    enter the total. Each reward scores a batch once, however many terms name it with the same settings.

    Args:
        abstain: what a term that abstains does to the total of its sample. ``propagate``: the total abstains too, since
            a sum that lacks a part cannot be compared with complete ones. ``skip``: the other terms are added, without
            rescaling of weights; the total abstains only where all terms do. The sums of a switch follow the same rule.

    Raises:
        ParameterError: two terms have one label, or different terms inside a switch have one.
    """

    name = "composed_reward"
    total_label: ClassVar[str] = TOTAL

    def __init__(self, terms: Sequence[Term], abstain: Abstain = "propagate") -> None:
        labels = [*(term.label for term in terms), TOTAL]
        for label in labels:
            if labels.count(label) > 1:
                raise ParameterError(f"two terms are called {label!r}: give one of them a label")
        self.terms = tuple(terms)
        self.abstain = abstain
        self._parts = _parts(self.terms)

    @property
    def rewards(self) -> list[Reward]:
        """Every registered reward that is scored."""
        asked = (reward for term in self.terms for reward in term.rewards())
        return [reward for reward in asked if not isinstance(reward, WordErrorRate)]

    def score(self, batch: Sequence[RewardSample]) -> list[Score]:
        """The total of each sample; the errors of `checked_scores`."""
        return self.score_terms(batch)[TOTAL]

    def score_terms(self, batch: Sequence[RewardSample]) -> dict[str, list[Score]]:
        """Each term's gated, unweighted scores by label, and the ``total``; the errors of `checked_scores`.

        Of a switch also what it compares and the terms of both sides, as ``LABEL.NAME``.
        """
        columns = self._columns(batch, lambda reward, samples: TermScores(checked_scores(reward, samples)))
        return {label: column.scores for label, column in columns.items()}

    def term_scores(self, batch: Sequence[RewardSample]) -> dict[str, TermScores]:
        """As `score_terms`; a reward that fails is recorded in its term and in the total, and the rest is scored."""
        return self._columns(batch, term_scores)

    def _columns(
        self, batch: Sequence[RewardSample], score: Callable[[Reward, Sequence[RewardSample]], TermScores]
    ) -> dict[str, TermScores]:
        scores = BatchScores(batch, score, self.abstain)
        columns = {name: scores.of(part) for name, part in self._parts.items()}
        return {**columns, TOTAL: scores.sum_of(self.terms)}


def _parts(terms: Sequence[Term]) -> dict[str, Term | Reward]:
    """What has a column, by its name. The weights of one term may differ between the sides of a switch."""
    parts: dict[str, Term | Reward] = {}
    for term in terms:
        for name, part in term.scored_parts():
            if _without_weight(parts.setdefault(name, part)) != _without_weight(part):
                raise ParameterError(f"two different terms are called {name!r}: give one of them a label")
    return parts


def _without_weight(part: Term | Reward) -> object:
    return (part.reward, part.gate) if isinstance(part, Term) else (part, None)

"""`TermScores`: the scores of one reward term over a batch, with what abstained and what failed counted apart."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from megaasr_core.base.errors import MegaasrError, one_line
from megaasr_core.contracts.reward import Reward, RewardSample, Score, checked_scores


@dataclass(frozen=True)
class TermScores:
    """Scores of one term.

    Args:
        scores: one a sample; None where the term abstained or failed.
        errors: the samples on which it failed, counted from 0, each with the reason in one line.
    """

    scores: list[Score]
    errors: Mapping[int, str] = field(default_factory=dict)

    def summary(self) -> dict[str, Any]:
        """``mean`` of the scores (None where there is none), and numbers of samples ``scored, abstained, failed, of``.

        >>> TermScores([1.0, None, 0.5, None], {3: "reward x: IndexError"}).summary()
        {'mean': 0.75, 'scored': 2, 'abstained': 1, 'failed': 1, 'of': 4}
        """
        known = [score for score in self.scores if score is not None]
        total, failed = len(self.scores), len(self.errors)
        return {
            "mean": sum(known) / len(known) if known else None,
            "scored": len(known),
            "abstained": total - len(known) - failed,
            "failed": failed,
            "of": total,
        }


def term_scores(reward: Reward, batch: Sequence[RewardSample]) -> TermScores:
    """Score a batch, and where that fails each sample alone, so that the other samples keep their scores.

    A reward that fails on the batch and on no sample alone has failed on all of them.
    """
    try:
        return TermScores(checked_scores(reward, batch))
    except MegaasrError as error:
        reason = one_line(error)
    prefix = f"reward {reward.name}: "
    reason = reason if reason.startswith(prefix) else f"{prefix}{reason}"
    if len(batch) == 1:
        return TermScores([None], {0: reason})
    alone = [term_scores(reward, [sample]) for sample in batch]
    errors = {index: one.errors[0] for index, one in enumerate(alone) if one.errors}
    if not errors:
        return TermScores([None] * len(batch), dict.fromkeys(range(len(batch)), reason))
    return TermScores([one.scores[0] for one in alone], errors)

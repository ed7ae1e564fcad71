"""`Reward`: a score over a whole batch of (hypothesis, reference) pairs, which may abstain (DG-WGPO)."""

from __future__ import annotations

import math
from abc import abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar

from ..base.errors import PluginError
from .unit import Unit

Score = float | None
"""None: the reward abstains, it has nothing to say about this sample."""


@dataclass(frozen=True)
class RewardSample:
    """One rollout to be scored.

    Args:
        hypothesis: what the model said.
        reference: what was said; None where nobody knows (rewards that need it abstain).
        language: ISO 639-1 code; decides normaliser and tokens (characters for ``zh``).
        meta: anything else a reward may want, such as ``base_wer``.
    """

    hypothesis: str
    reference: str | None
    language: str = "en"
    meta: Mapping[str, Any] = field(default_factory=dict)


class Reward(Unit):
    """A reward term; its settings are its fields, its state nothing."""

    kind: ClassVar[str] = "reward"
    bounds: ClassVar[tuple[float, float]] = (0.0, 1.0)
    """Smallest and largest score; infinite ends are allowed."""

    @abstractmethod
    def score(self, batch: Sequence[RewardSample]) -> list[Score]:
        """One score a sample, in the order of the batch; None abstains."""


def checked_scores(reward: Reward, batch: Sequence[RewardSample]) -> list[Score]:
    """Score a batch and hold the reward to its contract.

    Raises:
        PluginError: another number of scores than samples, or a score that is not finite or outside the bounds.
    """
    scores = reward.score(batch)
    if len(scores) != len(batch):
        raise PluginError(f"reward {reward.name}: {len(scores)} scores for {len(batch)} samples")
    low, high = reward.bounds
    for index, score in enumerate(scores):
        if score is not None and not (math.isfinite(score) and low - 1e-9 <= score <= high + 1e-9):
            raise PluginError(f"reward {reward.name}: score {score!r} of sample {index} is outside {low:g}..{high:g}")
    return list(scores)

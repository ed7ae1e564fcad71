"""`Reward`: a score over a whole batch of (hypothesis, reference) pairs, which may abstain (DG-WGPO)."""

from __future__ import annotations

import math
from abc import abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar

from ..base.errors import PluginError
from .calls import calling
from .unit import Unit

Score = float | None
"""None: the reward abstains, it makes no statement about this sample."""

TOLERANCE = 1e-9
"""By how much rounding may carry a score beyond its bounds."""


@dataclass(frozen=True)
class RewardSample:
    """One hypothesis to be scored.

    Args:
        hypothesis: transcript of the model.
        reference: correct transcript; None where it is unknown (rewards that need it abstain).
        language: code, tag or name; decides the normaliser, and so the tokens: words or characters.
        meta: other fields of the row that the sample comes from, such as ``base_wer``.
    """

    hypothesis: str
    reference: str | None
    language: str = "en"
    meta: Mapping[str, Any] = field(default_factory=dict)


class Reward(Unit):
    """A reward term; its settings are its fields, and it keeps no state."""

    kind: ClassVar[str] = "reward"
    bounds: ClassVar[tuple[float, float]] = (0.0, 1.0)
    """Smallest and largest score; infinite ends are allowed."""

    @abstractmethod
    def score(self, batch: Sequence[RewardSample]) -> list[Score]:
        """One score a sample, in the order of the batch; None abstains."""


def checked_scores(reward: Reward, batch: Sequence[RewardSample]) -> list[Score]:
    """Score a batch and check what the reward returns.

    Raises:
        MegaasrError: as the reward raised it.
        PluginError: the reward raised something else, or returned another number of scores than samples, or a score
            that is no number, not finite, or outside its bounds.
    """
    with calling(reward.kind, reward.name):
        scores = reward.score(batch)
    if not isinstance(scores, Sequence) or len(scores) != len(batch):
        given = len(scores) if isinstance(scores, Sequence) else f"{type(scores).__name__} in place of a list of"
        raise PluginError(f"reward {reward.name}: {given} scores for {len(batch)} samples")
    low, high = reward.bounds
    for index, score in enumerate(scores):
        if score is None:
            continue
        if not isinstance(score, float) and (isinstance(score, str) or not hasattr(score, "__float__")):
            raise PluginError(f"reward {reward.name}: score {score!r} of sample {index} is neither a number nor None")
        if not (math.isfinite(score) and low - TOLERANCE <= score <= high + TOLERANCE):
            raise PluginError(f"reward {reward.name}: score {score!r} of sample {index} is outside {low:g}..{high:g}")
    return [None if score is None else float(score) for score in scores]

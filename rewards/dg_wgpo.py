"""dg_wgpo: the full reward of DG-WGPO, composed of the other terms."""

from __future__ import annotations

from collections.abc import Sequence
from math import inf
from typing import ClassVar

from pydantic import Field

from megaasr import Reward, RewardSample, Score, hookimpl

from .anti_repetition import AntiRepetition
from .dual_granularity import DualGranularity
from .wer_accuracy import WerAccuracy


class DgWgpo(Reward):
    """``R = (1 - a_dyn) R_rep R_wer + a_dyn R_dynamic`` (Mega-ASR, DG-WGPO).

    The product of anti_repetition and wer_accuracy is the static part, dual_granularity the dynamic one. Without a
    reference the reward abstains.

    Below, one soft substitution in four words: R_wer = 3/4 and R_dynamic = 0.75 * 3/3.4 + 0.25 * 0.875 = 0.880515, so
    R = 0.4 * 0.75 + 0.6 * 0.880515.

    >>> [round(score, 6) for score in DgWgpo().score([RewardSample("the cat sat town", "the cat sat down")])]
    [0.828309]
    """

    name: ClassVar[str] = "dg_wgpo"
    bounds: ClassVar[tuple[float, float]] = (-inf, 1.0)

    dynamic_weight: float = Field(0.6, ge=0.0, le=1.0, description="a_dyn: weight of the dynamic part")
    tau: float = Field(0.3, ge=0.0, description="WER at which the gate of dual_granularity turns")
    soft_weight: float = Field(0.4, ge=0.0, le=1.0, description="a_s: weight of a soft substitution")

    def score(self, batch: Sequence[RewardSample]) -> list[Score]:
        """One score a sample."""
        accuracy = WerAccuracy().score(batch)
        repetition = AntiRepetition().score(batch)
        dynamic = DualGranularity(tau=self.tau, soft_weight=self.soft_weight).score(batch)
        return [self._fuse(*row) for row in zip(accuracy, repetition, dynamic, strict=True)]

    def _fuse(self, accuracy: Score, repetition: Score, dynamic: Score) -> Score:
        if accuracy is None or repetition is None or dynamic is None:
            return None
        return (1.0 - self.dynamic_weight) * repetition * accuracy + self.dynamic_weight * dynamic


@hookimpl
def register_rewards(register):
    register(DgWgpo)

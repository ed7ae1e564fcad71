"""dg_wgpo: the full reward of DG-WGPO, composed of the other terms."""

from __future__ import annotations

from collections.abc import Sequence
from math import inf
from typing import ClassVar, TypeVar

from pydantic import Field

from megaasr import Reward, RewardSample, Score, hookimpl, pairs_of

from .anti_repetition import AntiRepetition
from .dual_granularity import DualGranularity
from .wer_accuracy import WerAccuracy

Term = TypeVar("Term", bound=Reward)


class DgWgpo(Reward):
    """``R = (1 - a_dyn) R_rep R_wer + a_dyn R_dynamic`` (Mega-ASR, DG-WGPO).

    The product of anti_repetition and wer_accuracy is the static part, dual_granularity the dynamic one. Without a
    reference the reward abstains. The fields are those of the terms, with the defaults of the terms.

    Where WER is above 1, R_wer is negative without a lower bound (the paper states none), and R_rep = 0 turns that
    into 0: a loop scores above a shorter invention. ``floor=0`` removes this, since no static part is then below that
    of a loop. Set it where the reward trains a policy or selects among transcripts of bad recordings.

    >>> said = "please close the door"
    >>> pair = [RewardSample("thank you " * 40, said), RewardSample("i am going to the hospital now", said)]
    >>> [round(score, 3) for score in DgWgpo().score(pair)]
    [0.0, -0.066]
    >>> [round(score, 3) for score in DgWgpo(floor=0.0).score(pair)]
    [0.0, 0.134]

    Below, one soft substitution in four words: R_wer = 3/4 and R_dynamic = 0.75 * 3/3.4 + 0.25 * 0.875 = 0.880515, so
    R = 0.4 * 0.75 + 0.6 * 0.880515.

    >>> [round(score, 6) for score in DgWgpo().score([RewardSample("the cat sat town", "the cat sat down")])]
    [0.828309]
    """

    name: ClassVar[str] = "dg_wgpo"
    bounds: ClassVar[tuple[float, float]] = (-inf, 1.0)

    dynamic_weight: float = Field(0.6, ge=0.0, le=1.0, description="a_dyn: weight of the dynamic part")
    floor: float | None = Field(None, le=1.0, description="smallest R_wer; none if not given, as in the paper")
    tau: float = Field(0.3, ge=0.0, description="WER at which the gate of dual_granularity turns")
    major: float = Field(0.75, ge=0.5, le=1.0, description="weight of the term that the gate favours")
    soft_weight: float = Field(0.4, ge=0.0, le=1.0, description="a_s: weight of a soft substitution")
    min_similarity: float = Field(0.5, ge=0.0, le=1.0, description="similarity from which a substitution is soft")
    max_ngram: int = Field(12, ge=1, le=100, description="longest unit of a loop, in tokens")
    min_repeats_word: int = Field(6, ge=2, le=100, description="a single token this often in a row is a loop")
    min_repeats_ngram: int = Field(3, ge=2, le=100, description="a longer unit this often in a row is a loop")
    min_repeated_tokens: int = Field(6, ge=2, le=1000, description="tokens that a loop covers at least")

    def score(self, batch: Sequence[RewardSample]) -> list[Score]:
        """One score a sample."""
        accuracy, dynamic = self._term(WerAccuracy).scorer(), self._term(DualGranularity).scorer()
        repetition = self._term(AntiRepetition).score(batch)
        static_weight, dynamic_weight = 1.0 - self.dynamic_weight, self.dynamic_weight
        return [
            None
            if pair is None or loop is None
            else static_weight * loop * accuracy(pair) + dynamic_weight * dynamic(pair)
            for pair, loop in zip(pairs_of(batch), repetition, strict=True)
        ]

    def _term(self, term: type[Term]) -> Term:
        """A term with the fields that it shares with this reward."""
        return term.create({name: getattr(self, name) for name in term.model_fields})


@hookimpl
def register_rewards(register):
    register(DgWgpo)

"""anti_repetition: nothing for a hypothesis that runs in a loop."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from pydantic import Field

from megaasr import RepetitionSettings, Reward, RewardSample, Score, hookimpl, is_repetitive, loop_tokens


class AntiRepetition(Reward):
    """``R_rep = 0`` if the hypothesis repeats an n-gram beyond the threshold, else 1 (Mega-ASR, DG-WGPO).

    The detector is the one that flags transcripts; the paper gives no threshold, these are ours. The reference is not
    looked at, so the term never abstains; an empty hypothesis does not repeat and scores 1.

    >>> AntiRepetition().score([RewardSample("come on come on come on", None), RewardSample("come on", None)])
    [0.0, 1.0]
    """

    name: ClassVar[str] = "anti_repetition"

    max_ngram: int = Field(12, ge=1, le=100, description="longest unit that is looked for, in tokens")
    min_repeats_word: int = Field(6, ge=2, le=100, description="a single token this often in a row is a loop")
    min_repeats_ngram: int = Field(3, ge=2, le=100, description="a longer unit this often in a row is a loop")
    min_repeated_tokens: int = Field(6, ge=2, le=1000, description="tokens that a loop covers at least")

    def score(self, batch: Sequence[RewardSample]) -> list[Score]:
        """One score a sample."""
        settings = RepetitionSettings(**self.model_dump())
        return [0.0 if is_repetitive(loop_tokens(one.hypothesis, one.language), settings) else 1.0 for one in batch]


@hookimpl
def register_rewards(register):
    register(AntiRepetition)

"""invention: nothing said that was not spoken."""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar

from megaasr import SamplePair, hookimpl

from .pair_reward import PairReward


class Invention(PairReward):
    """``R_inv = N / (N + n_ins)``, N = max(|R|, 1): hypothesis tokens that align to nothing, beside the reference.

    n_ins counts the insertions of the alignment. Each further one lowers the score, however many there are, so that
    among inventions the shorter one is preferred; a score that ends at 0 would not tell them apart. A wrong token in
    the place of another is a substitution, which token_refinement scores. An empty hypothesis invents nothing and
    scores 1. With an empty reference every token is invented: n tokens score 1 / (1 + n). Without a reference the term
    abstains.

    Below: four reference tokens and two inserted ones, 4 / (4 + 2); a substitution and a deletion; one token where
    nothing was said.

    >>> from megaasr import RewardSample
    >>> heard, said = ("well the cat sat down there", "the dog sat"), "the cat sat down"
    >>> samples = [*(RewardSample(words, said) for words in heard), RewardSample("yes", "")]
    >>> [round(score, 6) for score in Invention().score(samples)]
    [0.666667, 1.0, 0.5]
    """

    name: ClassVar[str] = "invention"

    def scorer(self) -> Callable[[SamplePair], float]:
        """The share of the reference in reference and insertions."""
        return lambda pair: max(pair.ref_len, 1) / (max(pair.ref_len, 1) + pair.insertions)


@hookimpl
def register_rewards(register):
    register(Invention)

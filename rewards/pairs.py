"""The aligned pair that every term looks at; a batch is tokenised and aligned once, not once a term."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

from megaasr import Alignment, RewardSample, align, normaliser_version, tokenise


@dataclass(frozen=True)
class Pair:
    """Hypothesis and reference as tokens, and their alignment."""

    hypothesis: tuple[str, ...]
    reference: tuple[str, ...]
    alignment: Alignment


def pair_of(sample: RewardSample) -> Pair | None:
    """The pair of a sample, or None where nobody knows the reference."""
    if sample.reference is None:
        return None
    return _pair(sample.hypothesis, sample.reference, sample.language, normaliser_version(sample.language))


@lru_cache(maxsize=4096)  # a batch of rollouts, seen by every term of the composed reward
def _pair(hypothesis: str, reference: str, language: str, normaliser: str) -> Pair:
    del normaliser  # another one gives other tokens
    tokens = tuple(tokenise(hypothesis, language)), tuple(tokenise(reference, language))
    return Pair(*tokens, align(tokens[1], tokens[0]))

"""Pairs of hypothesis and reference with every kind of error, drawn from a seed, in English and in Chinese."""

from __future__ import annotations

from random import Random

from megaasr import RewardSample

ENGLISH = ["the", "cat", "cats", "house", "hose", "don't", "it's", "two", "colour", "Mr.", "door,", "please", "close"]
CHINESE = list("你好世界是的他她它们在有三个人")


def drawn_samples(size: int, seed: str) -> list[RewardSample]:
    """A tenth has an empty side, a tenth loops, some have no reference, a fifth is Chinese."""
    rng = Random(seed)
    return [_sample(rng) for _ in range(size)]


def _sample(rng: Random) -> RewardSample:
    words, join, language = (CHINESE, "", "zh") if rng.random() < 0.2 else (ENGLISH, " ", "en")
    reference = [rng.choice(words) for _ in range(rng.randint(0, 12))]
    errors = rng.choice((0.0, 0.1, 0.3, 0.7))
    hypothesis: list[str] = []
    for word in reference:
        kind = rng.choice(("missing", "soft", "wrong", "invented")) if rng.random() < errors else "right"
        if kind == "soft" and language == "en":
            hypothesis.append(f"{word}z")
        elif kind in ("wrong", "soft"):
            hypothesis.append(rng.choice(words))
        elif kind == "invented":
            hypothesis += [word, rng.choice(words)]
        elif kind == "right":
            hypothesis.append(word)
    chance = rng.random()
    if chance < 0.1:
        hypothesis += rng.sample(words, rng.randint(1, 3)) * rng.randint(3, 9)
    elif chance < 0.15:
        hypothesis = []
    elif chance < 0.2:
        reference = []
    known = rng.random() > 0.02
    return RewardSample(join.join(hypothesis), join.join(reference) if known else None, language)

"""Pairs of hypothesis and reference drawn from a seed: made-up words, with the errors that recognisers make."""

from __future__ import annotations

from functools import lru_cache
from itertools import count, islice
from random import Random

from whisper_normalizer.english import EnglishTextNormalizer

WHISPER = EnglishTextNormalizer()
WORDS = 5_000
LETTERS = "etaoinshrdlucmfwypvbgkjqxz"
WRITTEN = ("don't", "it's", "they're", "we've", "that's", "he'll")
"""Contractions, which a normaliser writes out."""


@lru_cache(maxsize=1)
def vocabulary() -> list[str]:
    """Made-up words of 4 to 10 letters, the early letters of `LETTERS` being the frequent ones; two by two alike."""
    rng = Random("vocabulary")
    drawn = ("".join(LETTERS[int(rng.random() ** 2 * 26)] for _ in range(rng.randint(4, 10))) for _ in count())
    return [word for one in islice(filter(_is_left_alone, drawn), WORDS // 2) for word in (one, f"{one[:-1]}q")]


def _is_left_alone(word: str) -> bool:
    """Whether the word means nothing to Whisper's normaliser, as st (saint) and two do."""
    return word not in WHISPER.standardize_numbers.words and WHISPER(word) == word


def drawn_pairs(size: int, seed: str, *, written: bool = False) -> list[tuple[str, str]]:
    """Hypotheses and references of 5 to 30 words: 10 % of the words substituted, half of these by a similar word, 5 %
    missing, 5 % invented behind another, and one text in fifty ends in a loop.

    Args:
        written: with capitals, commas, full stops and contractions; else lower-case words alone.
    """
    rng = Random(seed)
    return [_drawn_pair(rng, written) for _ in range(size)]


def _drawn_pair(rng: Random, written: bool) -> tuple[str, str]:
    words = vocabulary()
    reference = [_word(rng) for _ in range(rng.randint(5, 30))]
    if written:
        reference = [rng.choice(WRITTEN) if rng.random() < 0.04 else word for word in reference]
    hypothesis = []
    for word in reference:
        chance = rng.random()
        if chance < 0.05:
            continue
        hypothesis.append(word if chance > 0.15 else _similar(word) if chance > 0.1 else rng.choice(words))
        if rng.random() < 0.05:
            hypothesis.append(_word(rng))
    hypothesis = hypothesis or [rng.choice(words)]
    if rng.random() < 0.02:
        hypothesis += [rng.choice(words), rng.choice(words)] * 8
    if not written:
        return " ".join(hypothesis), " ".join(reference)
    return _sentence(rng, hypothesis), _sentence(rng, reference)


def _word(rng: Random) -> str:
    return vocabulary()[int(rng.random() ** 3 * WORDS)]


def _similar(word: str) -> str:
    """The other word of the vocabulary that differs from it by one letter, in place of a contraction a wrong one."""
    place = _places().get(word, 0) ^ 1
    return vocabulary()[place]


@lru_cache(maxsize=1)
def _places() -> dict[str, int]:
    return {word: place for place, word in enumerate(vocabulary())}


def _sentence(rng: Random, words: list[str]) -> str:
    spoken = [word + "," if rng.random() < 0.05 else word for word in words[:-1]]
    return " ".join([*spoken, words[-1] + "."]).capitalize()

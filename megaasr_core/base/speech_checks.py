"""Checks of a transcript for typical failures (empty, repetitive, truncated), for decoding, rewards and evaluation."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass

from .language import is_unspaced

NOT_IN_WORDS = "".join(c for c in map(chr, range(128)) if not (c.isalnum() or c.isspace() or c == "'")).encode()
"""The ASCII characters that `loop_tokens` removes."""


@dataclass(frozen=True)
class RepetitionSettings:
    """Thresholds above which repetition counts as a loop. The paper gives no values; these are chosen here.

    Args:
        max_ngram: longest repeated unit, in tokens.
        min_repeats_word: number of consecutive repeats of a single token ("no no no no" is still speech).
        min_repeats_ngram: number of consecutive repeats of a unit of two or more tokens.
        min_repeated_tokens: minimum number of tokens of the loop.
    """

    max_ngram: int = 12
    min_repeats_word: int = 6
    min_repeats_ngram: int = 3
    min_repeated_tokens: int = 6


def is_repetitive(tokens: Sequence[str], settings: RepetitionSettings | None = None) -> bool:
    """Whether an n-gram is repeated consecutively beyond the thresholds.

    For each n the longest run of ``tokens[i] == tokens[i + n]`` is computed; a run of k equal pairs is a unit of n
    tokens that covers ``k + n`` tokens, that is ``(k + n) // n`` repeats. The time is O(max_ngram * len(tokens)). The k
    tokens are not new, so units for which fewer tokens of the whole list are not new are left out.

    >>> is_repetitive("thank you thank you thank you".split()), is_repetitive("very very good".split())
    (True, False)
    """
    settings = settings or RepetitionSettings()
    not_new = len(tokens) - len(set(tokens))
    if not_new < min(settings.min_repeats_word - 1, 2 * (settings.min_repeats_ngram - 1)):
        return False
    for n in range(1, min(settings.max_ngram, len(tokens) // 2, not_new) + 1):
        needed = settings.min_repeats_word if n == 1 else settings.min_repeats_ngram
        if not_new < max((needed - 1) * n, settings.min_repeated_tokens - n):
            continue
        run = 0
        for i in range(len(tokens) - n):
            run = run + 1 if tokens[i] == tokens[i + n] else 0
            if (run + n) // n >= needed and run + n >= settings.min_repeated_tokens:
                return True
    return False


def check_text(text: str, *, truncated: bool = False, language: str = "en") -> tuple[str, ...]:
    """Flags of a transcript, sorted: ``empty``, ``repetitive``, ``truncated``.

    Words are compared without case and punctuation; the normaliser is not used, because this function is called for
    every decoded utterance.

    >>> check_text(" ... "), check_text("Oh, oh, oh, oh, oh, oh!", truncated=True)
    (('empty',), ('repetitive', 'truncated'))
    """
    tokens = loop_tokens(text, language)
    flags = (("empty", not tokens), ("repetitive", is_repetitive(tokens)), ("truncated", truncated))
    return tuple(flag for flag, present in flags if present)


def loop_tokens(text: str, language: str = "en") -> list[str]:
    """The tokens for loop detection, without case and punctuation: words, or characters where none are spaced."""
    if is_unspaced(language):
        return [character for character in text.lower() if character.isalnum()]
    if text.isascii():
        words = text.lower().encode().translate(None, NOT_IN_WORDS).decode().split()
        return [word for word in words if word.strip("'")] if "'" in text else words
    cleaned = (
        "".join(c for c in word if c == "'" or unicodedata.category(c)[0] in "LNM") for word in text.lower().split()
    )
    return [word for word in cleaned if any(c.isalnum() for c in word)]

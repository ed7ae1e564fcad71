"""Minimum Bayes risk: of the hypotheses of a beam search, the one with the fewest expected errors."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from rapidfuzz.distance import Levenshtein

from megaasr import check_text, loop_tokens


def least_expected_errors(
    texts: Sequence[str], logprobs: Sequence[float], language: str, truncated: Sequence[bool]
) -> int:
    """The number of the hypothesis that is expected to have the fewest errors (Goel & Byrne 2000).

    The likeliest hypothesis is that with the fewest expected wrong sentences; a recogniser is measured by words. With
    P the posterior over the hypotheses, the expected errors of h are the sum over h' of P(h') times the edit distance
    of h and h' in words (characters in languages without spaces), without case and punctuation. Hypotheses that do not
    end or say one thing over and over are left out, unless all are so. Of equals the likeliest is taken.

    >>> texts = ["we met at eight", "we met at aid", "we meet at aid"]
    >>> least_expected_errors(texts, [-2.0, -2.1, -2.2], "en", [False] * 3)
    1

    Args:
        texts: the hypotheses.
        logprobs: natural log-probability of each whole hypothesis, end of text included.
        language: ISO 639-1 code.
        truncated: whether each one did not end.
    """
    sound = [
        number
        for number, (text, is_cut) in enumerate(zip(texts, truncated, strict=True))
        if not is_cut and "repetitive" not in check_text(text, language=language)
    ]
    kept = sorted(sound or range(len(texts)), key=lambda number: -logprobs[number])
    words = [loop_tokens(texts[number], language) for number in kept]
    likelihoods = np.exp(np.array([logprobs[number] for number in kept]) - logprobs[kept[0]])
    errors = np.array([[Levenshtein.distance(one, other) for other in words] for one in words], np.float64)
    return kept[int(np.argmin((errors @ (likelihoods / likelihoods.sum())).round(9)))]

"""Collapse the loops of a transcript: what is said more than twice in a row is kept once."""

from __future__ import annotations

from megaasr import RepetitionSettings, is_repetitive, loop_tokens

MOST_WORDS = 8
"""Longest unit of a loop, in words."""
MOST_REPEATS = 2
"""Consecutive repeats of a unit that are not a loop."""
LOOPS = RepetitionSettings(MOST_WORDS, MOST_REPEATS + 1, MOST_REPEATS + 1, MOST_REPEATS + 1)


def collapse_loops(text: str) -> str:
    """Replace every loop by its unit, shorter units first, until there is none; other texts are returned unchanged.

    A loop is a unit of 1 to `MOST_WORDS` words that is said more than `MOST_REPEATS` times in a row. Words are those
    between spaces, compared without case and punctuation; the first occurrence is kept as it is written.

    >>> collapse_loops("So thank you. Thank you, thank you! Thank you for that")
    'So thank you. for that'
    >>> collapse_loops("very, very good")
    'very, very good'
    """
    words = text.split()
    keys = [" ".join(loop_tokens(word)) or word for word in words]
    if not is_repetitive(keys, LOOPS):
        return text
    while is_repetitive(keys, LOOPS):
        for size in range(1, MOST_WORDS + 1):
            kept = _kept(keys, size)
            words, keys = [words[place] for place in kept], [keys[place] for place in kept]
    return " ".join(words)


def _kept(keys: list[str], size: int) -> list[int]:
    """The places of the words that remain if loops of units of `size` words are collapsed, from left to right."""
    kept: list[int] = []
    place = 0
    while place < len(keys):
        unit, end = keys[place : place + size], place + size
        while keys[end : end + size] == unit:
            end += size
        if end - place > MOST_REPEATS * size:
            kept += range(place, place + size)
            place = end
        else:
            kept.append(place)
            place += 1
    return kept

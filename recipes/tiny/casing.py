"""Words as a recogniser writes them: a corpus in capitals would teach it to spell letter by letter."""

from __future__ import annotations

import re

from megaasr import normalise


def as_written(text: str, heard: str | None = None) -> str:
    """A text of capitals or of small letters alone in sentence case with a full stop; any other as it is.

    Whisper's pieces of words are those of written text, and "SHOULD" is several where "should" is one.

    Args:
        heard: another recogniser's transcript; it is taken where it has the same words, since it has commas and names.

    >>> as_written("I SAID THAT I'M LATE")
    "I said that I'm late."
    >>> as_written("MARY IS HERE", "Mary is here!")
    'Mary is here!'
    """
    if not (text.isupper() or text.islower()):
        return text
    if heard and not (heard.isupper() or heard.islower()) and normalise(heard) == normalise(text):
        return heard.strip()
    lower = re.sub(r"\bi\b", "I", text.strip().lower())
    sentence = lower[:1].upper() + lower[1:]
    return sentence if sentence[-1:] in ".?!" else sentence + "."

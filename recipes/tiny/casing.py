"""Sentence case for transcripts in capitals: training on capitals teaches Whisper to spell letter by letter."""

from __future__ import annotations

import re

from megaasr import normalise


def as_written(text: str, transcript: str | None = None) -> str:
    """A text of capitals only or of small letters only, in sentence case with a full stop; any other text unchanged.

    Whisper's tokens are those of written text: "SHOULD" is several tokens, "should" is one.

    Args:
        transcript: another recogniser's transcript; used where its words are the same, for its commas and names.

    >>> as_written("I SAID THAT I'M LATE")
    "I said that I'm late."
    >>> as_written("MARY IS HERE", "Mary is here!")
    'Mary is here!'
    """
    if not (text.isupper() or text.islower()):
        return text
    if transcript and not (transcript.isupper() or transcript.islower()) and normalise(transcript) == normalise(text):
        return transcript.strip()
    lower = re.sub(r"\bi\b", "I", text.strip().lower())
    sentence = lower[:1].upper() + lower[1:]
    return sentence if sentence[-1:] in ".?!" else sentence + "."

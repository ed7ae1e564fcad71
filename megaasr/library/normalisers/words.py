"""Languages of no normaliser of their own: lower case, no punctuation, marks kept; scored by word."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import ClassVar

from megaasr_core.discovery.hookspecs import hookimpl

from .base import Normaliser
from .characters import BRACKETED, MINUS, folded, plain_text, without_symbols

APOSTROPHE_IS_A_LETTER = frozenset({"uk", "be", "uz", "br", "haw"})
"""Elsewhere it ends a word, as in Whisper's normaliser: l'homme is l and homme."""
MINUS_WORDS = {"fr": "moins", "es": "menos", "pt": "menos", "ca": "menys", "it": "meno", "ru": "минус", "uk": "мінус"}
"""``minus`` elsewhere, as many languages say."""
PERCENT_WORDS = {
    "de": "prozent", "nl": "procent", "sv": "procent", "da": "procent", "no": "prosent", "fr": "pour cent",
    "es": "por ciento", "it": "per cento", "pt": "por cento", "ca": "per cent", "pl": "procent",
}  # fmt: skip
"""Languages that say it in one form; elsewhere the sign is kept as a word, so that 10 % is not 10."""
SPELLINGS = {
    "ru": (("ё", "е"), ("Ё", "Е")),  # usually written without its dots
    "ro": (("ş", "ș"), ("ţ", "ț"), ("Ş", "Ș"), ("Ţ", "Ț")),  # with a cedilla in older fonts
    "hy": (("եւ", "եվ"),),  # NFKC takes the ligature և for the first
}
GROUPS = re.compile(r"(?<![\d.,])[1-9]\d{0,2}([.,'٬])\d{3}(?:\1\d{3})*(?![.,]?\d)")
"""Thousands: 1.000, 1,000,000. A decimal fraction of just three digits is taken for one as well, on both sides."""


class Words(Normaliser):
    """Whisper's basic normaliser with combining marks kept, one form of each character, and signs at numbers.

    Vowel signs, viramas and tone marks are part of a word. ß and ss, and a final and another sigma, are equal.
    """

    name = "words"
    version = "1"
    within_words: ClassVar[str] = ""

    def normalise(self, text: str, language: str) -> str:
        """See the class.

        >>> Words().normalise("Straße – −5 %; Où est-il ?", "de")
        'strasse minus 5 prozent où est il'
        """
        text = BRACKETED.sub(" ", self.spelled(plain_text(text), language))
        text = MINUS.sub(f" {MINUS_WORDS.get(language, 'minus')} ", folded(text))
        text = GROUPS.sub(lambda match: match.group().replace(match[1], ""), text)
        percent = PERCENT_WORDS.get(language, "%")
        text = re.sub(r"(\d)?\s*%", lambda match: f"{match[1]} {percent} " if match[1] else " ", text)
        text = re.sub(r"(?<!\w)['\"]+|['\"]+(?!\w)", " ", text)
        keep = "'" if language in APOSTROPHE_IS_A_LETTER else self.within_words
        return without_symbols(text, keep=keep + "%")

    def spelled(self, text: str, language: str) -> str:
        """One spelling of what a language writes in several; before case is folded."""
        for old, new in SPELLINGS.get(language, ()):
            text = text.replace(old, new)
        return text


@hookimpl
def register_normalisers(register: Callable[[type[Normaliser]], None]) -> None:
    """Register it."""
    register(Words)

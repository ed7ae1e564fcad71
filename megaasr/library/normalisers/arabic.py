"""Languages in Arabic script: no vowel marks and no tatweel, one form of each letter; scored by word."""

from __future__ import annotations

import re
from collections.abc import Callable

from megaasr_core.discovery.hookspecs import hookimpl

from .base import Normaliser
from .words import Words

MARKS = re.compile("[\u0610-\u061a\u064b-\u0653\u0656-\u065f\u0670\u06d6-\u06ed\u08d3-\u08ff\u0640]")
"""Vowel marks, signs of recitation, and the tatweel; hamza above and below stay, since they make other letters."""
HAMZA = str.maketrans("أإآٱؤئى", "اااا" + "وي" + "ي")
"""The rule for Arabic: a hamza's carrier counts, and not the hamza; a final alef without dots is a yeh. ة and ه, and a
hamza alone, are kept."""
ARABIC_KEYS = str.maketrans("یکہھ", "يكهه")
PERSIAN_KEYS = str.maketrans("يىكۀةأإٱ", "ییکههااا")
"""Elsewhere the letters of Persian and Urdu keyboards, with آ kept: it is a letter of its own."""


class Arabic(Words):
    """Written without vowel marks and tatweel; for Arabic أ إ آ ٱ are ا, ؤ is و, ئ and ى are ي, and ة stays ة."""

    name = "arabic"
    version = "1"
    languages = (
        "ar", "arz", "apc", "ary", "arq", "acm", "acw", "afb", "ajp", "aeb", "ars", "ayl", "apd",
        "fa", "prs", "ur", "ps", "sd", "ug", "ckb", "ks", "pnb", "skr", "bal", "mzn", "glk", "azb", "lrc",
    )  # fmt: skip

    def spelled(self, text: str, language: str) -> str:
        """See the class."""
        text = MARKS.sub("", text)
        if language in self.languages[:13]:
            return text.translate(ARABIC_KEYS).translate(HAMZA)
        return text if language in ("ug", "sd") else text.translate(PERSIAN_KEYS)


@hookimpl
def register_normalisers(register: Callable[[type[Normaliser]], None]) -> None:
    """Register it."""
    register(Arabic)

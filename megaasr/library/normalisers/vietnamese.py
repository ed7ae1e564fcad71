"""Vietnamese: tones are kept, on the vowel where the older spelling puts them; scored by word (syllable)."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable

from megaasr_core.discovery.hookspecs import hookimpl

from .base import Normaliser
from .words import Words

TONE_LAST = re.compile("(?:(?<=o)[àáảãạèéẻẽẹ]|(?<=(?<!q)u)[ỳýỷỹỵ])(?!\\w)", re.IGNORECASE)


class Vietnamese(Words):
    """One place for the tone of open oa, oe and uy: hoà is hòa, thuý is thúy. The tone itself is kept."""

    name = "vietnamese"
    version = "1"
    languages = ("vi",)

    def spelled(self, text: str, language: str) -> str:
        """See the class."""
        del language
        text = text.lower()
        for match in reversed(list(TONE_LAST.finditer(text))):
            vowel, tone = tuple(unicodedata.normalize("NFD", match.group()))
            first = unicodedata.normalize("NFC", text[match.start() - 1] + tone)
            text = text[: match.start() - 1] + first + vowel + text[match.end() :]
        return text


@hookimpl
def register_normalisers(register: Callable[[type[Normaliser]], None]) -> None:
    """Register it."""
    register(Vietnamese)

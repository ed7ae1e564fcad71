"""Thai, Lao, Khmer, Burmese, Tibetan and others without spaces between words; scored by character."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import ClassVar, Literal

from megaasr_core.discovery.hookspecs import hookimpl

from .base import Normaliser
from .characters import BRACKETED, MINUS, folded, plain_text, without_symbols

THOUSANDS = re.compile(r"(?<![\d.])\d{1,3}(?:,\d{3})+(?!\d)")


class Unspaced(Normaliser):
    """Characters with their combining marks, without spaces and punctuation; a minus, a point and % at numbers stay."""

    name = "unspaced"
    version = "1"
    languages = ("th", "lo", "km", "my", "bo", "dz", "shn", "nod", "tts", "khb", "tdd", "mnw", "rki")
    unit: ClassVar[Literal["word", "character"]] = "character"

    def normalise(self, text: str, language: str) -> str:
        """See the class.

        >>> Unspaced().normalise("กรุงเทพ ๑,๐๐๐ คน", "th")
        'กรุงเทพ1000คน'
        """
        del language
        text = BRACKETED.sub("", folded(plain_text(text)))
        text = MINUS.sub("\ue000", text).replace("-", " ").replace("\ue000", "-")
        text = THOUSANDS.sub(lambda match: match.group().replace(",", ""), text)
        text = re.sub(r"(?<!\d)[.%]|\.(?!\d)", " ", text)
        return without_symbols(text, keep="-.%").replace(" ", "")


@hookimpl
def register_normalisers(register: Callable[[type[Normaliser]], None]) -> None:
    """Register it."""
    register(Unspaced)

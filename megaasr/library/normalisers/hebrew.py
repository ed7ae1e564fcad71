"""Hebrew and Yiddish: no points in Hebrew, acronyms and letters with a geresh in one piece; scored by word."""

from __future__ import annotations

import re
from collections.abc import Callable

from megaasr_core.discovery.hookspecs import hookimpl

from .base import Normaliser
from .words import Words

POINTS = re.compile("[\u0591-\u05bd\u05bf\u05c1\u05c2\u05c4\u05c5\u05c7]")
ACCENTS = re.compile("[\u0591-\u05af\u05bd]")


class Hebrew(Words):
    """Written without points and accents; in Yiddish, whose points make other letters, without accents alone."""

    name = "hebrew"
    version = "1"
    languages = ("he", "yi")
    within_words = "'\""

    def spelled(self, text: str, language: str) -> str:
        """See the class."""
        return (ACCENTS if language == "yi" else POINTS).sub("", text)


@hookimpl
def register_normalisers(register: Callable[[type[Normaliser]], None]) -> None:
    """Register it."""
    register(Hebrew)

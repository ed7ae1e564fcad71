"""Turkic languages in Latin letters: i with and without a dot are two letters, in both cases; scored by word."""

from __future__ import annotations

from collections.abc import Callable

from megaasr_core.discovery.hookspecs import hookimpl

from .base import Normaliser
from .words import Words

LOWER = str.maketrans({"I": "ı", "İ": "i"})


class Turkic(Words):
    """Lower case of I is ı, and of İ i. An apostrophe before an ending divides (İstanbul'da is istanbul and da)."""

    name = "turkic"
    version = "1"
    languages = ("tr", "az", "crh", "gag")

    def spelled(self, text: str, language: str) -> str:
        """See the class."""
        del language
        return text.translate(LOWER).replace("i\u0307", "i")


@hookimpl
def register_normalisers(register: Callable[[type[Normaliser]], None]) -> None:
    """Register it."""
    register(Turkic)

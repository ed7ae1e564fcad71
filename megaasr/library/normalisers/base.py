"""Base class of a normaliser: what counts as the same words in the languages that it is for."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable
from importlib.metadata import version as version_of
from typing import ClassVar, Literal

from megaasr_core.contracts.unit import Unit
from megaasr_core.discovery.hookspecs import hookimpl
from megaasr_core.discovery.kinds import Kind

from .characters import clusters


class Normaliser(Unit):
    """Writes texts in one way, so that only words that differ count as errors.

    Called for hypothesis and reference alike, for every scored pair; it must not raise for any text, and give the same
    again for what it gives. A word that is wrong must stay wrong.
    """

    kind: ClassVar[str] = "normaliser"
    languages: ClassVar[tuple[str, ...]] = ()
    """ISO 639-1 codes (639-3 where there is no other), as `language_code` gives them; none: languages of no other."""
    version: ClassVar[str]
    """Raised when a text gives other tokens than before; error rates are comparable only if it is equal."""
    unit: ClassVar[Literal["word", "character"]] = "word"
    """What is counted: words make a WER, characters (with their combining marks) a CER."""
    libraries: ClassVar[tuple[str, ...]] = ()
    """Distributions on whose versions the result depends."""

    @abstractmethod
    def normalise(self, text: str, language: str) -> str:
        """The text as it is compared: lower case, without punctuation; `language` is one of `languages`."""

    def tokenise(self, text: str, language: str) -> list[str]:
        """The words of the normalised text, or its characters without spaces, each with its combining marks."""
        plain = self.normalise(text, language)
        return clusters("".join(plain.split())) if self.unit == "character" else plain.split()

    @classmethod
    def described(cls) -> str:
        """Name and version, with those of the libraries: ``chinese-2 (opencc 1.1.9)``."""
        used = ", ".join(f"{library} {version_of(library)}" for library in cls.libraries)
        return f"{cls.name}-{cls.version}" + (f" ({used})" if used else "")


@hookimpl
def register_kinds(register: Callable[[Kind], None]) -> None:
    """Declare the kind."""
    register(
        Kind(
            "normaliser",
            Normaliser,
            90,
            "Writes texts of some languages in one way before they are scored.",
            checks="megaasr.library.normalisers.checks:checks",
            template="megaasr:library/normalisers/template",
            describe="megaasr.library.normalisers.checks:describe",
        )
    )

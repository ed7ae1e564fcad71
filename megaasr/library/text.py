"""Text normalisation and tokenisation for scoring: one versioned normaliser per language."""

from __future__ import annotations

from functools import lru_cache
from importlib.metadata import version
from typing import Any

from megaasr_core.base.language import is_scored_by_character, language_code


def normalise(text: str, language: str = "en") -> str:
    """Normalise text so that differences of spelling and formatting do not count as errors.

    English: Whisper's English normaliser (Radford et al. 2022, appendix C). Chinese: traditional to simplified, number
    words to digits, full width to half, punctuation and spaces removed. Others: Whisper's basic normaliser.

    >>> normalise("Mr. Smith's colour isn't twenty-one!")
    'mister smith is color is not 21'
    """
    code = language_code(language)
    if code == "zh":
        from megaasr.library.chinese_text import normalise_chinese

        return normalise_chinese(text)
    return str(_whisper_normaliser(code == "en")(text)).strip()


def tokenise(text: str, language: str = "en") -> list[str]:
    """The normalised words of a text, or its normalised characters for Chinese.

    >>> tokenise("Hello, world!"), tokenise("你好，世界", "zh")
    (['hello', 'world'], ['你', '好', '世', '界'])
    """
    plain = normalise(text, language)
    return list(plain.replace(" ", "")) if is_scored_by_character(language) else plain.split()


def normaliser_version(language: str = "en") -> str:
    """Name and version of the normaliser; error rates are comparable only if they are equal."""
    code = language_code(language)
    if code == "zh":
        return f"megaasr-zh-1 (opencc {version('opencc')}, cn2an {version('cn2an')})"
    scheme = "whisper-english" if code == "en" else "whisper-basic"
    return f"{scheme} (whisper-normalizer {version('whisper-normalizer')})"


@lru_cache(maxsize=2)
def _whisper_normaliser(english: bool) -> Any:
    if english:
        from whisper_normalizer.english import EnglishTextNormalizer

        return EnglishTextNormalizer()
    from whisper_normalizer.basic import BasicTextNormalizer

    return BasicTextNormalizer()

"""Language codes, and whether a language is scored by character."""

from __future__ import annotations

from .errors import ParameterError

_NAMES = {"english": "en", "chinese": "zh", "mandarin": "zh", "cmn": "zh", "yue": "zh", "cantonese": "zh"}


def language_code(language: str | None) -> str:
    """The ISO 639-1 code of a code, a tag such as zh-CN, or a name of English or Chinese; None gives ``en``.

    >>> language_code("zh-CN"), language_code("English"), language_code(None)
    ('zh', 'en', 'en')

    Raises:
        ParameterError: `language` is neither a code nor such a name.
    """
    if language is None:
        return "en"
    short = language.strip().lower().replace("_", "-").partition("-")[0]
    short = _NAMES.get(short, short)
    if not (2 <= len(short) <= 3 and short.isascii() and short.isalpha()):
        raise ParameterError(f"language {language!r}: an ISO 639-1 code such as en or zh is expected")
    return short


def is_scored_by_character(language: str) -> bool:
    """Whether the tokens are characters (CER) instead of words (WER): True for Chinese."""
    return language_code(language) == "zh"

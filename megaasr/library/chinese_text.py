"""Normaliser of Chinese text: character variants, numbers, widths, punctuation and spaces."""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache
from typing import Any

NUMERALS = "零〇一二三四五六七八九十百千万亿两点"
NUMBER = re.compile(f"[{NUMERALS}]{{2,}}")
"""Number words of two or more characters. A single numeral may be part of a word (一起, 两边); it is replaced by a
digit everywhere, in hypothesis and reference alike, which is sufficient for scoring."""
PERCENT = re.compile(r"(\d+(?:\.\d+)?)%")
SINGLE = str.maketrans("零〇一二三四五六七八九两", "001234567892")


def normalise_chinese(text: str) -> str:
    """Normalised text: simplified characters, digits for numbers, half width, lower case, only letters and digits.

    >>> normalise_chinese("漢語，二零二六年　３５％ 一百二十三个！")
    '汉语2026年百分之35123个'
    """
    simple = unicodedata.normalize("NFKC", str(_converter().convert(text))).lower()
    digits = NUMBER.sub(lambda match: _digits(match.group()), simple).translate(SINGLE)
    digits = PERCENT.sub(r"百分之\1", digits)
    return "".join(c for i, c in enumerate(digits) if unicodedata.category(c)[0] in "LNM" or _is_point(digits, i))


def _is_point(text: str, at: int) -> bool:
    """Whether the character is a decimal point, which is not punctuation."""
    return text[at] == "." and text[at - 1 : at].isdigit() and text[at + 1 : at + 2].isdigit()


def _digits(words: str) -> str:
    """A number word in digits; unchanged if it is not a valid number."""
    import cn2an

    if not any(unit in words for unit in "十百千万亿点"):
        return words.translate(SINGLE)
    try:
        value = cn2an.cn2an(words, "smart")
    except (ValueError, KeyError, IndexError):
        return words
    return f"{value:.10f}".rstrip("0").rstrip(".") if isinstance(value, float) else str(value)


@lru_cache(maxsize=1)
def _converter() -> Any:
    import opencc

    return opencc.OpenCC("t2s")

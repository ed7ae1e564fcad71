"""Japanese: one width, numbers in digits, no spaces; scored by character."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import ClassVar, Literal

from megaasr_core.discovery.hookspecs import hookimpl

from .base import Normaliser
from .characters import BRACKETED, folded, plain_text, without_symbols
from .chinese_numbers import in_digits

NUMERALS = str.maketrans("億萬", "亿万")
COUNTED = "一二三四五六七八九十百万亿人円年個回本枚件名台歳倍キメ"
ONE = re.compile(f"(?<![一二三四五六七八九十数何幾\\d])(?=[百千][{COUNTED}])|(?<=千)(?=百)")
"""Where Chinese says 一: 百五十 is 一百五十."""
ZERO = re.compile("(?<=[百千])(?=[一二三四五六七八九](?![十百千]))|(?<=[万亿])(?=[一二三四五六七八九](?![十百千万]))")
"""Where Chinese says 零: 二百五 is 205, and not 250."""
THOUSANDS = re.compile(r"(?<![\d.])\d{1,3}(?:,\d{3})+(?!\d)")
TIME = re.compile(r"(?<![\d:])(\d|[01]\d|2[0-4]):([0-5]\d)(?![\d:])")


class Japanese(Normaliser):
    """Kanji and kana as they are written, numbers in digits, signs at numbers as words; scored by character."""

    name = "japanese"
    version = "1"
    languages = ("ja",)
    unit: ClassVar[Literal["word", "character"]] = "character"

    def normalise(self, text: str, language: str) -> str:
        """See the class.

        >>> Japanese().normalise("ﾃｽﾄ、十個で 10.5％！", "ja")
        'テスト10個で10点5パーセント'
        """
        del language
        text = BRACKETED.sub("", folded(plain_text(text)).translate(NUMERALS))
        text = THOUSANDS.sub(lambda match: match.group().replace(",", ""), text)
        text = TIME.sub(_time, in_digits(ZERO.sub("零", ONE.sub("一", text))))
        text = re.sub(r"(?<![0-9a-z])-\s?(?=\d)", "マイナス", text)
        text = re.sub(r"(?<=\d)\s*%", "パーセント", text)
        return without_symbols(re.sub(r"(?<=\d)\.(?=\d)", "点", text), instead="")


def _time(match: re.Match[str]) -> str:
    return f"{int(match[1])}時" + (f"{int(match[2])}分" if match[2] != "00" else "")


@hookimpl
def register_normalisers(register: Callable[[type[Normaliser]], None]) -> None:
    """Register it."""
    register(Japanese)

"""Chinese and Cantonese: simplified characters; numbers, dates, times and percentages as they are spoken."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import lru_cache
from typing import Any, ClassVar, Literal

from megaasr_core.discovery.hookspecs import hookimpl

from .base import Normaliser
from .characters import folded, plain_text, without_symbols
from .chinese_numbers import in_digits

CJK = r"[\u3400-\u9fff〇\U00020000-\U0003ffff]"
SPACE_BESIDE = re.compile(rf"(?<={CJK})\s+|\s+(?={CJK})")
VULGAR = re.compile("(?<=[0-9])(?=[¼½¾⅐-⅞])")
THOUSANDS = re.compile(r"(?<![\d.])\d{1,3}(?:,\d{3})+(?!\d)")
DATE = re.compile(r"(?<!\d)([12]\d{3})([-/.])(\d{1,2})\2(\d{1,2})(?!\d)")
TIME = re.compile(r"(?<![\d:])(\d|[01]\d|2[0-4]):([0-5]\d)(?::([0-5]\d))?(?![\d:])")
RATIO = re.compile(r"(?<=\d):(?=\d)")
FRACTION = re.compile(r"(?<![\d/])(\d+)[/⁄](\d+)(?![\d/])")
RANGE = re.compile(r"(?<![\d~-])(\d{1,9}(?:\.\d+)?)(%?)\s*[-~〜]\s*(\d{1,9}(?:\.\d+)?)(%?)(?![\d~-])")
PERCENT = re.compile(r"((?<![\d.])-?\d{1,15}(?:\.\d{1,15})?)\s?([%‰])")
MINUS = re.compile(r"(?<![0-9a-z])-\s?(?=\d)")
PARTS = {"百": "\ue000", "千": "\ue001", "万": "\ue002"}
"""Stand-ins for 百分之, 千分之 and 万分之, whose first character is no unit of a number."""
OF_PARTS = re.compile(r"(?<![一二三四五六七八九十两百千万亿零〇\d])一?([百千万])分之")
OF_ARABIC_PARTS = re.compile(r"(?<!\d)(100|1000|10000)分之")
NAMES = {"100": "百", "1000": "千", "10000": "万", "%": "百", "‰": "千"}
UNITS = {
    "km/h": "公里每小时", "km²": "平方公里", "km2": "平方公里", "m²": "平方米", "m2": "平方米", "km": "公里",
    "cm": "厘米", "mm": "毫米", "kg": "公斤", "mg": "毫克", "ml": "毫升",
    "°c": "摄氏度", "°": "度", "m": "米", "g": "克", "l": "升",
}  # fmt: skip
"""Of several words for a unit the usual one; the others (千米, 千克) are other words."""
UNIT = re.compile(rf"(?<=\d)\s*({'|'.join(map(re.escape, UNITS))})(?![a-z0-9²])")
CURRENCIES = {"$": "美元", "us$": "美元", "¥": "元", "€": "欧元", "£": "英镑"}
CURRENCY = re.compile(r"(us\$|[$¥€£])\s*(\d+(?:\.\d+)?)")


class Chinese(Normaliser):
    """Simplified characters, numbers in digits, signs as words, no spaces; scored by character.

    Kept apart, since they are other words: 号 and 日, 半 and 三十分, 到 and 至. Said in two ways and written in one, so
    equal: 二 and 两, 二零二六 and 两千零二十六, 幺 and 一 in a number.
    """

    name = "chinese"
    languages = ("zh", "yue", "wuu", "nan", "hak", "gan", "hsn", "cdo", "mnp", "cjy", "cpx", "czh", "czo", "lzh")
    version = "2"
    unit: ClassVar[Literal["word", "character"]] = "character"
    libraries = ("opencc",)

    def normalise(self, text: str, language: str) -> str:
        """See the class.

        >>> Chinese().normalise("漢語，二零二六年　３５％ 一百二十三个！10:30", "zh")
        '汉语2026年百分之35123个10点30分'
        """
        del language
        text = plain_text(VULGAR.sub("又", text)).replace("○", "〇")
        text = spoken_numbers(SPACE_BESIDE.sub("", " ".join(folded(str(_simplifier().convert(text))).split())))
        return without_symbols(text, instead="")


def spoken_numbers(text: str) -> str:
    """Numbers in digits; the signs at them in the words with which they are said."""
    text = THOUSANDS.sub(lambda match: match.group().replace(",", ""), text)
    text = OF_PARTS.sub(lambda match: PARTS[match[1]], text)
    text = in_digits(re.sub("\ue000百(?![分万亿])", "\ue000一百", text))
    for pattern, write in RULES:
        text = pattern.sub(write, text)
    for name, stand_in in PARTS.items():
        text = text.replace(stand_in, f"{name}分之")
    text = re.sub(r"负([百千万]分之)", r"\1负", text)
    text = re.sub(r"(?<!\d)0(?=\d[月日号])", "", text)
    return re.sub(r"(?<=\d)\.(?=\d)", "点", text)


def _time(match: re.Match[str]) -> str:
    hour, minute, second = match.groups()
    return f"{int(hour)}点" + (f"{minute}分" if minute != "00" or second else "") + (f"{second}秒" if second else "")


def _range(match: re.Match[str]) -> str:
    """The lower number first is a range; telephone numbers, scores and codes have no word for the dash."""
    first, percent, last, of_both = match.groups()
    is_range = float(first) < float(last) and not any(re.match(r"0\d", number) for number in (first, last))
    last += of_both if percent else ""
    return f"{first}{percent or of_both}到{last}" if is_range else match.group()  # 10-20%: 百分之十到二十


RULES: tuple[tuple[re.Pattern[str], str | Callable[[re.Match[str]], str]], ...] = (
    (OF_ARABIC_PARTS, lambda match: PARTS[NAMES[match[1]]]),
    (DATE, lambda match: f"{match[1]}年{int(match[3])}月{int(match[4])}日"),
    (TIME, _time),
    (RATIO, "比"),
    (FRACTION, lambda match: PARTS[NAMES[match[2]]] + match[1] if match[2] in NAMES else f"{match[2]}分之{match[1]}"),
    (RANGE, _range),
    (CURRENCY, lambda match: match[2] + CURRENCIES[match[1]]),
    (PERCENT, lambda match: PARTS[NAMES[match[2]]] + match[1]),
    (UNIT, lambda match: UNITS[match[1]]),
    (MINUS, "负"),
)


@lru_cache(maxsize=1)
def _simplifier() -> Any:
    import opencc

    return opencc.OpenCC("t2s")


@hookimpl
def register_normalisers(register: Callable[[type[Normaliser]], None]) -> None:
    """Register it."""
    register(Chinese)

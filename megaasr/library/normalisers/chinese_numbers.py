"""Chinese numbers in digits: a grammar of number words, also where digits and words are mixed (3.5万, 2千3百)."""

from __future__ import annotations

import re
from fractions import Fraction

DIGITS = {**{c: i for i, c in enumerate("零一二三四五六七八九")}, "〇": 0, "两": 2}
UNITS = {"十": 10, "百": 100, "千": 1000}
LARGE = {"万": 10**4, "亿": 10**8, "万亿": 10**12}
FINANCIAL = str.maketrans("壹贰叁参肆伍陆柒捌玖拾佰仟", "一二三三四五六七八九十百千")
FINANCIAL_RUN = re.compile("[壹贰叁参肆伍陆柒捌玖拾佰仟零万亿]{2,}")

D, Z = "[一二三四五六七八九两]", "[零〇]"
LAST = f"{D}(?![十百千])"  # a digit before a unit begins the next number: 三十|四十
SHORT = f"{D}(?![十百千万亿])"  # the unit is left out: 一百五 is 150, 三万五 is 35000
TENS = f"(?:{D}?十(?:{LAST})?)"
HUNDREDS = f"(?:{D}百(?:{Z}?{TENS}|{Z}{LAST}|{SHORT})?)"
THOUSANDS = f"(?:{D}千(?:{Z}?{HUNDREDS}|{Z}?{TENS}|{Z}{LAST}|{SHORT})?)"
SECTION = f"(?:{THOUSANDS}|{HUNDREDS}|{TENS})"
ARABIC = r"(?<![\d.])\d{1,15}(?:\.\d{1,15})?"
MIXED = rf"(?:{ARABIC}千(?:\d百)?|{ARABIC}百)"  # 3千5百, 2.5千
MIXED_PARTS = re.compile(r"([\d.]+)([千百])(?:(\d)百)?")
DECIMAL = rf"(?:(?:{SECTION}|{LAST})点[零〇一二三四五六七八九]+|{ARABIC}点\d(?!\d))"
FACTOR = f"(?:{DECIMAL}|{MIXED}|{SECTION}|{LAST}|{ARABIC})"
BELOW_WAN = rf"(?:{Z}?{SECTION}(?!万)|{Z}{LAST}|{SHORT}|\d千(?:\d百)?|\d百|\d{{1,4}}(?![\d.,点]))"
WAN = f"(?:{FACTOR}万(?!亿)(?:{BELOW_WAN})?)"
YI = f"(?:{FACTOR}万?亿(?:{Z}?{WAN}|{BELOW_WAN})?)"
NUMBER = re.compile(f"{YI}|{WAN}|{MIXED}|{SECTION}")
"""A number with at least one unit. 百, 千, 万 and 亿 without a digit before them are words (千万, 万一, 上百)."""
RUN = re.compile("(?:[零〇一二三四五六七八九两幺](?![十百千万亿]))+")
"""Digits one by one, as years and telephone numbers are read."""
RUN_DIGITS = str.maketrans({**{c: str(i) for c, i in DIGITS.items()}, "幺": "1"})


def in_digits(text: str) -> str:
    """The text with every number in digits.

    >>> in_digits("一百二十三个, 两万五, 3.5万人, 二零二六年, 幺幺零, 三十四十, 千万别, 三点五")
    '123个, 25000, 35000人, 2026年, 110, 3040, 千万别, 3点5'
    """
    text = text.replace("廿", "二十").replace("卅", "三十")
    text = FINANCIAL_RUN.sub(lambda match: match.group().translate(FINANCIAL), text)
    return RUN.sub(_run, NUMBER.sub(lambda match: _written(value(match.group())), text))


def value(words: str) -> Fraction:
    """The value of what `NUMBER` matches."""
    if "亿" in words:
        factor, _, rest = words.partition("亿")
        unit = LARGE["万亿" if factor.endswith("万") else "亿"]
        return _section(factor.removesuffix("万")) * unit + _rest(rest, unit)
    return _rest(words, 1)


def _rest(words: str, above: int) -> Fraction:
    """The value below a large unit, where a single digit counts the unit's tenths."""
    if len(words) == 1 and above > 1 and words not in UNITS:
        return Fraction(_digit(words) * above // 10)
    factor, wan, rest = words.partition("万")
    return _section(factor) * LARGE["万"] + _rest(rest, LARGE["万"]) if wan else _section(words)


def _section(words: str) -> Fraction:
    """The value of a number below 10000, in words or digits, or of a factor of 万 or 亿 with decimals."""
    if mixed := MIXED_PARTS.fullmatch(words):
        return Fraction(mixed[1]) * UNITS[mixed[2]] + 100 * int(mixed[3] or 0)
    whole, point, decimals = words.replace(".", "点").partition("点")
    if point:
        digits = "".join(str(_digit(c)) for c in decimals)
        return _section(whole) + Fraction(int(digits), 10 ** len(digits))
    if whole.isdigit():
        return Fraction(int(whole))
    total, digit, unit = Fraction(0), "", 0
    for character in whole:
        if character in UNITS:
            unit = UNITS[character]
            total += _section(digit) * unit if digit else unit
            digit = ""
        elif character in "零〇":
            unit = 0
        else:
            digit += str(_digit(character))
    scale = unit // 10 if unit > 10 and len(digit) == 1 else 1
    return total + (int(digit) * scale if digit else 0)


def _digit(character: str) -> int:
    return DIGITS[character] if character in DIGITS else int(character)


def _written(number: Fraction) -> str:
    whole, rest = divmod(number, 1)
    places = 0
    while rest.denominator != 1:
        rest, places = rest * 10, places + 1
    return f"{whole}点{rest.numerator:0{places}d}" if places else str(whole)


def _run(match: re.Match[str]) -> str:
    return match.group() if match.group() == "幺" else match.group().translate(RUN_DIGITS)

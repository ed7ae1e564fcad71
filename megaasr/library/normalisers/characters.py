"""What all normalisers do with characters: the forms that look alike, the invisible ones, digits, signs, clusters."""

from __future__ import annotations

import re
import unicodedata

APOSTROPHES = "’‘‛ʼʻʽ´`′＇ʹ׳"
QUOTES = "“”„‟«»″״"
SIGNS = "−–‐‑﹣－"
"""Characters that stand for a minus sign before a number: minus, en dash, hyphens, wide and small forms."""
ALIKE = str.maketrans(
    {"٪": "%", "⁄": "/", **dict.fromkeys(APOSTROPHES, "'"), **dict.fromkeys(QUOTES, '"'), **dict.fromkeys(SIGNS, "-")}
)
INVISIBLE = re.compile(r"[\ufe00-\ufe0f\U000e0100-\U000e01ef\u20e3\u034f\u180b-\u180d\u115f\u1160\u3164]")
"""Variation selectors, the keycap mark, joiners of marks, fillers; characters of category Cf go too."""
JOINED = {
    "\u0d23\u0d4d\u200d": "\u0d7a", "\u0d28\u0d4d\u200d": "\u0d7b", "\u0d30\u0d4d\u200d": "\u0d7c",
    "\u0d32\u0d4d\u200d": "\u0d7d", "\u0d33\u0d4d\u200d": "\u0d7e", "\u0d15\u0d4d\u200d": "\u0d7f",
    "\u09a4\u09cd\u200d": "\u09ce",
}  # fmt: skip
"""Malayalam chillus and Bengali khanda ta as they were written before they had characters of their own."""
NARROW_SPACE_IN_NUMBER = re.compile("(?<=\\d)[\u00a0\u202f\u2009](?=\\d{3}(?!\\d))")
BRACKETED = re.compile(r"[<\[][^>\]]{0,200}[>\]]|\([^)]{1,200}\)")
"""Words between brackets: sounds and speakers, as in Whisper's normalisers."""
MINUS = re.compile(r"(?<![\w.])-\s?(?=[.$€£]?\d)")
"""A minus sign before a number; between two numbers or words the character is a hyphen or a range."""
INDIA_STYLE_COMMA = re.compile(r"(?<=\d),(?=(?:\d\d,)*\d{3}(?!\d))")


def plain_text(text: str) -> str:
    """The text with one form of each character: NFKC, ASCII digits and quotes, nothing that is invisible.

    >>> plain_text("don’t\u200b －５ １️⃣ ٣")
    "don't -5 1 3"
    """
    if text.isascii():
        return text.translate(ALIKE)
    for old, new in JOINED.items():
        text = text.replace(old, new)
    text = NARROW_SPACE_IN_NUMBER.sub("", text).translate(ALIKE)  # NFKC makes a space and an accent of an accent alone
    text = unicodedata.normalize("NFKC", text).translate(ALIKE)
    text = INVISIBLE.sub("", "".join(c for c in text if unicodedata.category(c) not in ("Cf", "Co", "Cn", "Cs")))
    text = "".join(str(unicodedata.decimal(c)) if c.isdecimal() else c for c in text)
    return unicodedata.normalize("NFC", text)


def folded(text: str) -> str:
    """Without case: ß is ss, a final sigma is a sigma; composed again."""
    return unicodedata.normalize("NFKC", text.casefold())


def without_symbols(text: str, keep: str = "", instead: str = " ") -> str:
    """Letters, numbers and combining marks, and the characters of `keep`; everything else is `instead`."""
    kept = (c if c in keep or unicodedata.category(c)[0] in "LNM" else instead for c in text)
    return " ".join("".join(kept).split())


def clusters(text: str) -> list[str]:
    """The characters of a text, each with the combining marks behind it.

    >>> clusters("กี่ก")
    ['กี่', 'ก']
    """
    found: list[str] = []
    for character in text:
        if found and unicodedata.category(character)[0] == "M":
            found[-1] += character
        else:
            found.append(character)
    return found

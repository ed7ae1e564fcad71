"""English: Whisper's English normaliser, and what it leaves open; scored by word."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import lru_cache
from typing import Any

from megaasr_core.discovery.hookspecs import hookimpl

from .base import Normaliser
from .characters import MINUS, plain_text
from .english_words import Rules, WordByWord

NUMBER_WORDS = (
    "one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|o'?clock|oh five|fifteen|twenty|thirty|forty|fifty"
)
UNITS = {
    "km/h": "kilometers per hour", "kph": "kilometers per hour", "mph": "miles per hour", "km": "kilometers",
    "cm": "centimeters", "mm": "millimeters", "kg": "kilograms", "mg": "milligrams", "ml": "milliliters",
    "lbs": "pounds of weight", "ghz": "gigahertz", "mhz": "megahertz", "khz": "kilohertz", "hz": "hertz",
    "gb": "gigabytes", "mb": "megabytes", "kb": "kilobytes", "°c": "degrees celsius", "°f": "degrees fahrenheit",
    "°": "degrees",
}  # fmt: skip
PARTS = {"2": ("half", "halves"), "3": ("third", "thirds"), "4": ("quarter", "quarters"), "5": ("fifth", "fifths")}
COUNTS = ("", "one", "two", "three", "four")
INITIALISMS = (
    "adhd asap atm bbc bmw bbq cbs cd ceo cfo cia cnn co cpu cto cv dc diy dj dna dvd eu eta faq "
    "fbi fm fyi gdp gmt gps hbo hiv html http hr ibm iq irs kfc lcd lgbt mba mri msnbc mtv "
    "nba nbc nfl ngo nhl nhs nyc nypd ok pc pdf phd pvc rna rpg rsvp sms sos sql tv ucla ufo uk un url usa "
    "usb vip vpn www xml ymca"
)
"""Written as one word or letter by letter; other letters in a row stay as many words as there are letters."""
SPELLED = rf"(?<![\w'])(?<!(?<!\w)\w )(?:{'|'.join(' '.join(word) for word in INITIALISMS.split())})(?![\w']| \w\b)"
HALF = re.compile(r"(\d)?\s?½")
PREFIXES = "co|re|pre|non|anti|multi|semi|micro|mini|inter|intra|e|t|x"


def _half(match: re.Match[str]) -> str:
    return f"{match[1]} and a half" if match[1] else "half"


def _half_day(match: re.Match[str]) -> str:
    return f" {match[1]}m" if match[1] else f"{match[2]} {match[3]}m"


def _time(match: re.Match[str]) -> str:
    """As Whisper's normaliser writes ten thirty, 1030; a full hour is the hour."""
    return str(int(match[1])) + ("" if match[2] == "00" else match[2])


def _fraction(match: re.Match[str]) -> str:
    count, (one, more) = int(match[1]), PARTS[match[2]]
    return f"{COUNTS[count]} {one if count == 1 else more}" if count < int(match[2]) else match.group()


def _joined(match: re.Match[str]) -> str:
    return re.sub(r"[\s.]", "", match.group()) + " "


RULES: tuple[tuple[str, str | Callable[[re.Match[str]], str]], ...] = (
    # numbers
    (r"'?\b(\d0)'s\b", r"\1s"),
    (r"'(?=\d0s\b)", ""),
    (r"(?<![\d:])([01]?\d|2[0-4]):([0-5]\d)(?![\d:])", _time),
    (r"\bo'\s?clock\b", "oclock"),
    (rf"(?<=\d)\s?([ap])\.?\s?m\b\.?|\b((?:{NUMBER_WORDS}))\s([ap])\.?\s?m\b\.?", _half_day),
    (r"\b([ap])\.m\b\.?", r"\1m"),
    (r"(?:\bno\.\s?|#)(?=\d)", "number "),
    (r"(?<![\d.])(\d+) and a half\b", r"\1.5"),
    (r"\ba (?=(?:hundred|thousand|million|billion)\b)", "one "),
    (r"(?<![\d/])([1-4])/([2-5])(?![\d/])", _fraction),
    (rf"(?<=\d)\s?({'|'.join(map(re.escape, UNITS))})(?![\w/])", lambda m: f" {UNITS[m[1]]}"),
    # letters that are read one by one
    (r"(?<![\w.'])(?:[a-z]\.\s?){2,}(?![a-z])", _joined),
    (SPELLED, _joined),
    # words that are written in two ways
    (r"\s*&\s*", " and "),
    (r"\bokay\b", "ok"),
    (rf"\b({PREFIXES})-(?=[a-z]{{3,}})", r"\1"),
    (r"\b(e|t|x) (mail|mails|shirt|shirts|ray|rays)\b", r"\1\2"),
    (r"\bweb ?sites?\b", lambda m: m.group().replace(" ", "")),
    (r"\ball right\b", "alright"),
    (r"\bet cetera\b|\betc\b\.?", "etcetera"),
    (r"\bvs\b\.?", "versus"),
    (r"\bper cent\b", "percent"),
    (r"\bcannot\b", "can not"),
    (r"\bwi[- ]fi\b", "wifi"),
    (r"\bon-line\b", "online"),
    (r"\b(\w{2,}in)'(?!\w)", r"\1g"),
    (r"'em\b", " them"),
    (r"'(?:til|till)\b|\btill\b", " until"),
    (r"'(?:cause|cuz)\b|\bcuz\b", " because"),
    (r"'bout\b", " about"),
    (r"\bgimme\b", "give me"),
    (r"\blemme\b", "let me"),
    (r"\b(out|lot)ta\b", r"\1 of"),
    (r"\bgotcha\b", "got you"),
    (r"\bc'mon\b", "come on"),
)
COMPILED = tuple((re.compile(pattern), write) for pattern, write in RULES)


class English(Normaliser):
    """Whisper's English normaliser (Radford et al. 2022, appendix C), with one form of each character before it.

    Besides: minus signs, times, decades, fractions and units at numbers, letters that are read one by one (CO2, p.m.),
    and words with two spellings (e-mail, okay, 'em, goin'). Fillers (um, hmm) are removed, as Whisper's does.
    """

    name = "english"
    version = "2"
    languages = ("en",)
    libraries = ("whisper-normalizer",)

    def normalise(self, text: str, language: str) -> str:
        """See the class.

        >>> English().normalise("Mr. Smith’s colour isn't −21, O.K.? 10:30 p.m.", "en")
        'mister smith is color is not -21 ok 1030 pm'
        """
        return " ".join(self.tokenise(text, language))

    def tokenise(self, text: str, language: str) -> list[str]:
        """The words of the normalised text."""
        del language
        words = _word_by_word().tokens(text)
        return _whole(text).split() if words is None else words


def _whole(text: str) -> str:
    text = HALF.sub(_half, text)  # of which NFKC would make 1⁄2
    text = MINUS.sub(" minus ", plain_text(text).lower())
    for pattern, write in COMPILED:
        text = pattern.sub(write, text)
    try:
        return str(_whisper()(text))
    except (ValueError, AssertionError):  # a number of thousands of digits, which Python does not write: keep it
        short = re.sub(r"\d{1000}(?=\d)", r"\g<0> ", text).split()
        return " ".join(str(_whisper()(word)) for word in short)


@lru_cache(maxsize=1)
def _word_by_word() -> WordByWord:
    whisper = _whisper()
    patterns = [pattern for pattern, _ in RULES] + [whisper.ignore_patterns, *whisper.replacers]
    return WordByWord(Rules(_whole, patterns, whisper.standardize_spellings.mapping, whisper.standardize_numbers.words))


@lru_cache(maxsize=1)
def _whisper() -> Any:
    from whisper_normalizer.english import EnglishTextNormalizer

    return EnglishTextNormalizer()


@hookimpl
def register_normalisers(register: Callable[[type[Normaliser]], None]) -> None:
    """Register it."""
    register(English)

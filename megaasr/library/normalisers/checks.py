"""The conformance checks of a normaliser, and what listings say of it."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import partial
from typing import Any

from megaasr_core.base.errors import MegaasrError
from megaasr_core.base.language import language_code
from megaasr_core.contracts.unit import Unit
from megaasr_core.discovery.plugins import Plugins
from megaasr_core.testing import Subject, attempt, checks_unit, essential, expect

ODD = (
    "", " ", "\n", "?!…", "\ufeff\u200b\u00ad", "\x00", "😀🏳️‍🌈", "-", "−5", "1,000.5 %", "½", "１️⃣", "0" * 5000,
    "a" * 999, "Hello, World!", "e\u0301", "ﬁ", "İIıi", "ß", "ΟΔΟΣ", "你好，世界", "今日は", "สวัสดี", "नमस्ते",
    "مُحَمَّد", "שָׁלוֹם", "\U0010ffff", "(", "[x", "<", "'", "''", "’tis", "一百", "十" * 40, "\u0301", "\ud800",
)  # fmt: skip
"""Empty, invisible, broken, long; and a word of several scripts, whatever the language."""


def checks(subject: Subject) -> list[Callable[[Subject], None]]:
    """The checks of a normaliser; which words are equal is for its own tests."""
    return [
        *checks_unit.checks(subject),
        names_itself,
        takes_any_text,
        gives_the_same_again,
        ignores_case_and_outer_punctuation,
        keeps_different_words_apart,
    ]


def _languages(subject: Subject) -> tuple[str, ...]:
    return tuple(subject.thing.languages[:3]) or ("fr", "hi")


def names_itself(subject: Subject) -> None:
    """Version and unit are given, and the languages are codes as `language_code` gives them."""
    expect(re.fullmatch(r"[\w.+-]+", str(getattr(subject.thing, "version", ""))), 'has no version; write version = "1"')
    expect(subject.thing.unit in ("word", "character"), f"unit is {subject.thing.unit!r}; 'word' or 'character' is it")
    for language in subject.thing.languages:
        code = attempt(f"language {language!r}", partial(language_code, language))
        expect(code == language, f"languages has {language!r}; write {code!r}")
    expect(len(set(subject.thing.languages)) == len(subject.thing.languages), "names a language twice")


@essential
def takes_any_text(subject: Subject) -> None:
    """Any text gives a text and a list of texts that are not empty: one row must not end an evaluation."""
    for language in _languages(subject):
        for text in ODD:
            what = f"({text[:20]!r}, {language!r})"
            plain = attempt(f"normalise{what}", partial(subject.unit.normalise, text, language))
            expect(isinstance(plain, str), f"normalise{what} gives {plain!r}; a text is expected")
            tokens = attempt(f"tokenise{what}", partial(subject.unit.tokenise, text, language))
            expect(
                isinstance(tokens, list) and all(isinstance(token, str) and token.strip() for token in tokens),
                f"tokenise{what} gives {tokens!r:.60}; a list of texts that are not empty is expected",
            )


def gives_the_same_again(subject: Subject) -> None:
    """The result depends on the text and the language alone."""
    for language in _languages(subject):
        first = [subject.unit.tokenise(text, language) for text in ODD]
        again = [subject.unit.tokenise(text, language) for text in reversed(ODD)]
        expect(first == again[::-1], f"tokens of the same text differ from call to call ({language})")


def ignores_case_and_outer_punctuation(subject: Subject) -> None:
    """Case and the full stop behind a text are writing, and not words."""
    for language in _languages(subject):
        one, other = (subject.unit.tokenise(text, language) for text in ("abc xyz", "ABC xyz."))
        expect(one == other, f"'abc xyz' gives {one}, and 'ABC xyz.' {other} ({language})")


def keeps_different_words_apart(subject: Subject) -> None:
    """Different words stay different, in Latin letters and digits and in the text that they stand in."""
    for language in _languages(subject):
        seen: dict[tuple[str, ...], str] = {}
        for text in ("abc", "xyz", "abc xyz", "12", "13", "12 abc"):
            tokens = tuple(subject.unit.tokenise(text, language))
            expect(tokens and tokens not in seen, f"{text!r} and {seen.get(tokens)!r} give {tokens} ({language})")
            seen[tokens] = text


def describe(name: str, plugins: Plugins) -> dict[str, Any]:
    """Languages, unit and version; an error of a missing library is its text."""
    unit: type[Unit] = plugins.registry("normaliser")[name]
    try:
        described = unit.described()  # type: ignore[attr-defined]
    except (MegaasrError, ImportError) as error:
        described = str(error)
    return {
        "languages": list(unit.languages) or "all that no other takes",  # type: ignore[attr-defined]
        "scored by": unit.unit,  # type: ignore[attr-defined]
        "version": described,
    }

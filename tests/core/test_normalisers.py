"""The table of docs/normalisers.md: pairs that are the same words, and pairs that are not, of every language family."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import megaasr
from megaasr.testing import cases, failures
from megaasr_core.base.language import _table, is_unspaced, language_code

PAGE = (Path(__file__).parents[2] / "docs" / "normalisers.md").read_text(encoding="utf-8")
ROWS = re.findall(r"^\| ([a-z]{2,3}) \| (.+?) \| (.+?) \| (yes|no) \|$", PAGE, re.MULTILINE)
NORMALISERS = megaasr.installed_plugins().registry("normaliser")
LANGUAGES = sorted({language for language, *_ in ROWS})
INVISIBLE = "\u200b\u200e\u2060\ufeff\u00ad\ufe0f"


def unescaped(text: str) -> str:
    return re.sub(r"\\u([0-9a-f]{4})", lambda match: chr(int(match[1], 16)), text)


@pytest.mark.parametrize(("language", "one", "other", "same"), ROWS)
def test_writing_makes_no_difference_and_another_word_does(language, one, other, same):
    reference, hypothesis = unescaped(one), unescaped(other)
    score = megaasr.score(hypothesis, reference, "wer_accuracy", language)
    assert (score == 1.0) == (same == "yes"), (
        megaasr.tokenise(reference, language),
        megaasr.tokenise(hypothesis, language),
    )


def test_the_table_has_right_and_wrong_pairs_of_every_normaliser():
    assert {NORMALISERS[name].languages for name in NORMALISERS} >= {()}
    for same in ("yes", "no"):
        having = {language for language, *_, answer in ROWS if answer == same}
        for name in NORMALISERS:
            assert having & set(NORMALISERS[name].languages or ("de",)), f"{name} has no pair: {same}"


@pytest.mark.parametrize("name", sorted(NORMALISERS))
def test_the_normalisers_pass_their_conformance_checks(name):
    assert failures(cases(f"normaliser:{name}")) == {}


def test_languages_without_spaces_are_those_scored_by_character():
    """The core's table, by which texts are joined and loops are found, and the normalisers' units agree."""
    by_character = {
        language
        for name in NORMALISERS
        for language in NORMALISERS[name].languages
        if NORMALISERS[name].unit == "character"
    }
    assert by_character == _table()[2]
    for language in LANGUAGES:
        assert megaasr.is_scored_by_character(language) == is_unspaced(language)


def test_no_language_has_two_normalisers():
    claimed = [language for name in NORMALISERS for language in NORMALISERS[name].languages]
    assert len(claimed) == len(set(claimed))
    assert all(language_code(language) == language for language in claimed)


@pytest.mark.parametrize("language", ["en", "zh", "ja", "th", "ar", "he", "tr", "vi", "hi"])
@settings(max_examples=20)
@given(text=st.text(max_size=30), at=st.integers(0, 30), invisible=st.sampled_from(INVISIBLE))
def test_any_text_is_taken_and_invisible_characters_make_no_difference(language, text, at, invisible):
    tokens = megaasr.tokenise(text, language)
    assert all(token.strip() for token in tokens)
    letters = "".join(character for character in text if character.isascii())
    with_it = letters[:at] + invisible + letters[at:]
    assert megaasr.tokenise(letters, language) == megaasr.tokenise(with_it, language)


def test_marks_stay_with_their_character():
    assert megaasr.tokenise("ที่นี่", "th") == ["ที่", "นี่"]
    assert megaasr.tokenise("नमस्ते", "hi") == ["नमस्ते"]
    assert megaasr.tokenise("汉字 abc", "zh") == ["汉", "字", "a", "b", "c"]

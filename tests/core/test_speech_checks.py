import unicodedata
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from megaasr.library.transcript_checks import compression_ratio, is_invented
from megaasr_core.base.speech_checks import (
    RepetitionSettings,
    check_text,
    is_repetitive,
    loop_tokens,
)


@pytest.mark.parametrize(
    ("text", "loop"),
    [
        ("no no no no", False),
        ("no no no no no no", True),
        ("come on come on", False),
        ("come on come on come on", True),
        ("I see the big cat I see the big cat", False),
        ("I see the big cat I see the big cat I see the big cat", True),
        ("start " + "I see the big cat " * 3 + "end", True),
        ("that that is is that that is not is not", False),
        ("a b c d e f g h i j k l m n o p", False),
        ("", False),
    ],
)
def test_loops_are_told_from_speech(text, loop):
    assert is_repetitive(text.split()) is loop


@given(st.lists(st.sampled_from("ab"), max_size=40), st.integers(1, 4), st.integers(2, 4))
def test_a_loop_is_found_wherever_some_unit_fills_the_threshold(tokens, max_ngram, repeats):
    settings = RepetitionSettings(max_ngram, repeats, repeats, 1)
    by_hand = any(
        tokens[start : start + n] * repeats == tokens[start : start + n * repeats]
        for n in range(1, max_ngram + 1)
        for start in range(len(tokens) - n * repeats + 1)
    )
    assert is_repetitive(tokens, settings) is by_hand


def test_a_loop_covers_some_tokens_at_least():
    assert not is_repetitive(["a", "b"] * 3, RepetitionSettings(min_repeated_tokens=7))


@given(st.text(alphabet="ab ", min_size=1, max_size=200))
def test_the_compression_ratio_is_whispers(text):
    data = text.strip().encode()
    assert compression_ratio(text) == (len(data) / len(zlib.compress(data)) if data else 0.0)


@pytest.mark.parametrize(
    ("text", "options", "flags"),
    [
        ("fine words", {}, ()),
        ("", {}, ("empty",)),
        (" ...!", {}, ("empty",)),
        ("cut sho", {"truncated": True}, ("truncated",)),
        ("la, La! " * 9, {"truncated": True}, ("repetitive", "truncated")),
        ("好的好的好的", {"language": "zh"}, ("repetitive",)),
        ("好的好的好的", {}, ()),
    ],
)
def test_flags(text, options, flags):
    assert check_text(text, **options) == flags


def test_loop_tokens_are_bare_words_or_characters():
    assert loop_tokens("Don't -- STOP!") == ["don't", "stop"]
    assert loop_tokens("好，的 A", "zh") == ["好", "的", "a"]
    assert loop_tokens("はい、はい", "ja") == ["は", "い", "は", "い"]
    assert loop_tokens("हाँ की।", "hi") == ["हाँ", "की"]
    assert loop_tokens("❤️ !") == []


def test_words_without_a_reference_are_invented():
    assert is_invented(["a"], [])
    assert not is_invented([], [])
    assert not is_invented(["a"], ["b"])


def by_character(text):
    """The words of a text by the rule for any alphabet."""
    words = ["".join(c for c in w if c == "'" or unicodedata.category(c)[0] in "LNM") for w in text.lower().split()]
    return [word for word in words if any(c.isalnum() for c in word)]


@given(
    st.text(alphabet=st.characters(max_codepoint=127)) | st.text(alphabet="aB1' .,\t\x1c\x1f", max_size=12) | st.text()
)
def test_loop_tokens_of_ascii_follow_the_rule_for_any_alphabet(text):
    assert loop_tokens(text) == by_character(text)


@given(
    st.lists(st.sampled_from("abcd"), max_size=16),
    st.integers(1, 6),
    st.integers(2, 4),
    st.integers(2, 4),
    st.integers(1, 12),
)
def test_the_thresholds_hold_each_for_itself(tokens, max_ngram, of_word, of_ngram, covered):
    settings = RepetitionSettings(max_ngram, of_word, of_ngram, covered)
    by_hand = any(
        all(tokens[i] == tokens[i + n] for i in range(start, end - n))
        and (end - start) // n >= (of_word if n == 1 else of_ngram)
        and end - start >= covered
        for n in range(1, max_ngram + 1)
        for start in range(len(tokens))
        for end in range(start + 2 * n, len(tokens) + 1)
    )
    assert is_repetitive(tokens, settings) is by_hand

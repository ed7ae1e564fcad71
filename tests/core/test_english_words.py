"""English word by word gives what the whole normaliser gives, whatever words stand beside each other."""

import random
import re
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st
from whisper_normalizer.english import EnglishTextNormalizer

from megaasr.library.normalisers import characters, english
from megaasr.library.normalisers.english import English, _whole, _word_by_word
from megaasr.library.normalisers.english_words import CONTEXT, FILLERS, OF_CONTRACTIONS

WHISPER = EnglishTextNormalizer()
LITERALS = sorted(
    {word for pattern, _ in english.RULES for word in re.findall("[a-z']+", pattern)}
    | {word for pattern in WHISPER.replacers for word in re.findall("[a-z']+", pattern.replace(r"\b", ""))}
)
NUMBERS = sorted(WHISPER.standardize_numbers.words)
SPELLINGS = sorted(WHISPER.standardize_spellings.mapping)
USUAL = ["a", "i", "and", "to", "of", "in", "the", "cat", "all", "right", "okay", "web", "been", "gone", "done", "got"]
USUAL += ["it's", "he'd", "don't", "i'm", "um's"]
RARE = [*CONTEXT, *FILLERS, *" ".join(OF_CONTRACTIONS).split(), *english.INITIALISMS.split(), *"bcdemopstx"]
GROUPS = (USUAL, USUAL, LITERALS, RARE, NUMBERS, SPELLINGS)
MARKS = ("", "", "", "", "", "", "", ",", ".", "?", "'s", "'t", "'d", "'", "...", "-", "'d been", "%")


def drawn_text(rng: random.Random, usual: float) -> str:
    """Words of the rules beside each other; `usual` is the share of words that are no part of any."""
    words = []
    for _ in range(rng.randint(1, 9)):
        group = USUAL if rng.random() < usual else rng.choice(GROUPS)
        word = rng.choice(group) + rng.choice(MARKS if rng.random() < 0.5 else ("",))
        words.append(word.capitalize() if rng.random() < 0.2 else word)
    return rng.choice((" ", " ", " ", "  ", "\t", "\n")).join(words)


@pytest.mark.parametrize("usual", [0.0, 0.7, 0.9])
def test_words_one_by_one_are_the_words_of_the_whole_text(usual):
    rng = random.Random(f"english words {usual}")
    by_word = 0
    for _ in range(1_500):
        text = drawn_text(rng, usual)
        by_word += _word_by_word().tokens(text) is not None
        assert English().tokenise(text, "en") == _whole(text).split(), text
    assert by_word > {0.0: 100, 0.7: 200, 0.9: 300}[usual], "too few texts take the way that is tested"


@pytest.mark.parametrize("first", ["it's", "he'd", "don't", "all", "wi", "web", "et", "t", "a", "um", "y'all"])
@pytest.mark.parametrize("second", ["been", "gone", "done", "gotta", "gotcha", "mail", "rays", "right", "fi", "site"])
def test_expressions_of_two_words(first, second):
    for text in (f"{first} {second}", f"so {first} {second} then", f"{first} um {second}", f"{first}, {second}."):
        assert English().tokenise(text, "en") == _whole(text).split(), text


@given(st.text(alphabet="ait's. ,um", max_size=12))
def test_any_short_text(text):
    assert English().tokenise(text, "en") == _whole(text).split()


@pytest.mark.parametrize(
    ("text", "by_word"),
    [
        ("Please close the door.", True),
        ("They don't know, it's the colour of Mr. Smith's door!", True),
        ("chapter and verse", True),
        ("chapter two", False),
        ("he's been there", False),
        ("at eight p. m.", False),
        ("naïve", False),
        ("", True),
    ],
)
def test_which_texts_are_taken_word_by_word(text, by_word):
    assert (_word_by_word().tokens(text) is not None) is by_word


def test_no_initialism_is_spelled_with_the_words_a_and_i_alone():
    assert not [word for word in english.INITIALISMS.split() if set(word) <= set("ai")]


@given(st.text(alphabet=st.characters(max_codepoint=127)))
def test_ascii_is_plain_but_for_its_quotes(text):
    assert characters.plain_text(text) == unicodedata.normalize("NFKC", text).replace("`", "'")


def test_a_store_that_is_full_begins_anew(monkeypatch):
    words = _word_by_word()
    monkeypatch.setattr("megaasr.library.normalisers.english_words.MOST_WORDS", 3)
    for text in ("um, the cannot gimme door", "the door cannot um gimme", "gimme the two doors", "um cannot"):
        assert (words.tokens(text) or _whole(text).split()) == _whole(text).split()
        assert words.tokens("two") is None

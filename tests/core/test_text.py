import pytest
from hypothesis import given
from hypothesis import strategies as st

from megaasr.library.text import normalise, normaliser_version, tokenise
from megaasr_core.base.errors import ParameterError
from megaasr_core.base.language import is_scored_by_character, language_code


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Hello,   WORLD!", "hello world"),
        ("Mr. Smith isn't here.", "mister smith is not here"),
        ("the colour of twenty-one aeroplanes", "the color of 21 airplanes"),
        ("[noise] um, $20.50 (laughs)", "$20.50"),
        ("", ""),
        ("?!", ""),
    ],
)
def test_english_is_what_whispers_normaliser_makes_of_it(text, expected):
    assert normalise(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("漢語開放，測試！", "汉语开放测试"),
        ("二零二六年", "2026年"),
        ("一百二十三个", "123个"),
        ("三点五公里，3.5公里.", "3.5公里3.5公里"),
        ("１２３ＡＢＣ", "123abc"),
        ("一起去，两边", "1起去2边"),
        ("百分之三十五，３５％", "百分之35百分之35"),
        ("", ""),
    ],
)
def test_chinese_variants_numbers_widths_and_punctuation_are_unified(text, expected):
    assert normalise(text, "zh") == expected


@given(number=st.integers(11, 99_999))
def test_a_chinese_number_is_the_same_in_words_and_in_digits(number):
    import cn2an

    assert normalise(cn2an.an2cn(str(number)), "zh") == normalise(str(number), "zh") == str(number)


@given(st.text(max_size=60))
def test_chinese_normalisation_never_fails_and_leaves_no_punctuation(text):
    assert all(character.isalnum() or character == "." or ord(character) > 127 for character in normalise(text, "zh"))


@given(st.text(alphabet="abc DEF,.'’!?-é", max_size=40))
def test_case_and_outer_punctuation_make_no_difference(text):
    assert tokenise(text) == tokenise(text.upper().lower() + " !")


def test_tokens_are_words_or_characters():
    assert tokenise("Hello, world") == ["hello", "world"]
    assert tokenise("你好 world", "zh") == list("你好world")
    assert tokenise("Où est-il ?", "fr") == ["où", "est", "il"]
    assert is_scored_by_character("zh-TW")
    assert not is_scored_by_character("fr")


@pytest.mark.parametrize(
    ("given_name", "code"),
    [("en", "en"), ("EN-us", "en"), ("zh_CN", "zh"), ("Chinese", "zh"), ("yue", "zh"), (None, "en"), ("haw", "haw")],
)
def test_languages_are_codes(given_name, code):
    assert language_code(given_name) == code


@pytest.mark.parametrize("language", ["", "klingon!", "x", "francais"])
def test_what_is_no_language_is_refused(language):
    with pytest.raises(ParameterError, match="ISO 639-1"):
        language_code(language)


def test_the_normaliser_is_named_with_its_version():
    assert normaliser_version("en").startswith("whisper-english (whisper-normalizer 0.")
    assert normaliser_version("fr").startswith("whisper-basic (")
    assert "opencc" in normaliser_version("zh")

import pytest
from hypothesis import given
from hypothesis import strategies as st

from megaasr.library.text import is_scored_by_character, normalise, normaliser_version, tokenise
from megaasr_core.base.errors import ParameterError
from megaasr_core.base.language import _table, is_unspaced, language_code


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
        ("三点五公里，3.5公里.", "3点5公里3点5公里"),
        ("１２３ＡＢＣ", "123abc"),
        ("一起去，两边", "1起去2边"),
        ("百分之三十五，３５％", "百分之35百分之35"),
        ("", ""),
    ],
)
def test_chinese_variants_numbers_widths_and_punctuation_are_unified(text, expected):
    assert normalise(text, "zh") == expected


@given(st.text(max_size=60))
def test_chinese_normalisation_never_fails_and_leaves_no_punctuation(text):
    assert all(character.isalnum() or ord(character) > 127 for character in normalise(text, "zh"))


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
    [
        ("en", "en"), ("EN-us", "en"), ("zh_CN", "zh"), ("Chinese", "zh"), ("yue", "yue"), (None, "en"), ("haw", "haw"),
        ("eng", "en"), ("zho", "zh"), ("chi", "zh"), ("cmn", "zh"), ("ger", "de"), ("deu", "de"), ("fre", "fr"),
        ("German", "de"), ("mandarin CHINESE", "zh"), ("Chinese, Mandarin", "zh"), ("Haitian_Creole", "ht"),
        ("zh-Hant-TW", "zh"), ("zh-yue-HK", "yue"), ("pt_BR", "pt"), ("en_US.UTF-8", "en"), ("sr-Latn", "sr"),
        ("iw", "he"), ("jw", "jv"), ("nb-NO", "no"), ("arb", "ar"), ("fil", "tl"), (" de ", "de"), ("zh-CHT", "zh"),
    ],
)  # fmt: skip
def test_languages_are_codes(given_name, code):
    assert language_code(given_name) == code


@pytest.mark.parametrize(
    "language",
    ["", "klingon!", "x", "francais", "xx", "qqq", "clean", "other", "train-clean-100", "en-", "english text"],
)
def test_what_is_no_language_is_refused(language):
    with pytest.raises(ParameterError, match="ISO 639-1"):
        language_code(language)


@pytest.mark.parametrize(("mistyped", "nearest"), [("Germn", "german"), ("chinees", "chinese"), ("engl", "english")])
def test_what_is_no_language_is_refused_with_the_nearest(mistyped, nearest):
    with pytest.raises(ParameterError, match=f"language '{mistyped}': .*did you mean '{nearest}'"):
        language_code(mistyped)


@given(st.sampled_from(sorted(_table()[0])))
def test_the_code_of_a_language_is_its_own_code(code):
    assert language_code(language_code(code)) == language_code(code.upper()) == language_code(f"{code}-x-some")


def test_every_code_and_name_of_whisper_is_a_language():
    from transformers.models.whisper.tokenization_whisper import TO_LANGUAGE_CODE

    for name, code in TO_LANGUAGE_CODE.items():
        assert language_code(name) == language_code(code)


def test_unspaced_languages_are_those_whose_writing_has_no_spaces():
    unspaced = ["zh", "ja", "th", "lo", "km", "my", "bo", "yue"]
    assert [code for code in [*unspaced, "ko", "vi", "hi", "ar"] if is_unspaced(code)] == unspaced


def test_the_normaliser_is_named_with_its_version():
    assert normaliser_version("en").startswith("english-2 (whisper-normalizer 0.")
    assert normaliser_version("fr") == "words-1"
    assert normaliser_version("zho").startswith("chinese-2 (opencc ")

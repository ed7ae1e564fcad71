"""Which normaliser a language has: one, another by choice, and never two in silence."""

from __future__ import annotations

import pytest

import megaasr
from megaasr import ParameterError, PluginError, UnknownNameError, load_plugins
from megaasr.library import text
from tests.command_line import megaasr as run
from tests.command_line import refused

PLUGIN = """
from megaasr import Normaliser, hookimpl

class Mine(Normaliser):
    "Takes every third character."
    name = "mine"
    version = "7"
    languages = ("LANGUAGE",)
    unit = "character"

    def normalise(self, text, language):
        return text[::3]

@hookimpl
def register_normalisers(register):
    register(Mine)
"""


@pytest.fixture
def plugin(tmp_path):
    """The file of a normaliser for a language."""

    def write(language: str):
        file = tmp_path / "mine.py"
        file.write_text(PLUGIN.replace("LANGUAGE", language), encoding="utf-8")
        return file

    return write


@pytest.fixture
def use(monkeypatch):
    """Load plugins and use their normalisers until the test ends."""
    monkeypatch.setattr(text, "_used", [])
    return lambda *extra, **more: megaasr.use_normalisers_of(load_plugins(map(str, extra), **more))


def test_a_language_without_its_own_gets_one(plugin, use):
    assert megaasr.normaliser_version("eo") == "words-1"
    use(plugin("eo"))
    assert megaasr.tokenise("abcdefg", "eo") == ["a", "d", "g"]
    assert megaasr.is_scored_by_character("epo")
    assert megaasr.normaliser_version("Esperanto").startswith("mine-7 of the file mine.py (digest ")
    assert megaasr.normaliser_version("en").startswith("english-")


def test_a_reward_that_scored_a_pair_by_one_normaliser_scores_it_anew_by_another(plugin, use):
    reward = megaasr.installed_plugins().rewards["wer_accuracy"].create()
    pair = [megaasr.RewardSample("abXdefg", "abcdefg", "eo")]
    assert reward.score(pair) == [0.0]
    use(plugin("eo"))
    assert reward.score(pair) == [1.0]


def test_two_for_one_language_are_refused_with_both_owners_until_one_is_chosen(plugin, use, monkeypatch):
    use(plugin("th"))
    with pytest.raises(
        PluginError, match=r"language th has the normalisers mine of .*mine\.py.* and unspaced of normal"
    ):
        megaasr.tokenise("abc", "th")
    assert megaasr.tokenise("abc", "lo") == ["a", "b", "c"], "other languages go on"
    monkeypatch.setenv("MEGAASR_NORMALISERS", "zh=chinese,tha=mine")
    assert megaasr.tokenise("abcd", "th") == ["a", "d"]
    monkeypatch.setenv("MEGAASR_NORMALISERS", "th=unspaced")
    assert megaasr.tokenise("ab", "th") == ["a", "b"]


def test_leaving_one_out_is_a_choice(plugin, use):
    use(plugin("th"), disabled=["normaliser.unspaced"])
    assert megaasr.tokenise("abcd", "th") == ["a", "d"]
    assert megaasr.normaliser_version("lo") == "words-1"


@pytest.mark.parametrize(
    ("choice", "error", "line"),
    [
        ("th", ParameterError, "MEGAASR_NORMALISERS: 'th': LANGUAGE=NORMALISER is expected"),
        (
            "th=unspcaed",
            UnknownNameError,
            "unknown normaliser in MEGAASR_NORMALISERS, 'unspcaed': did you mean 'unspaced'",
        ),
        ("thia=words", ParameterError, "language 'thia': .*did you mean 'thai'"),
    ],
)
def test_a_mistaken_choice_is_one_line(choice, error, line, monkeypatch):
    monkeypatch.setenv("MEGAASR_NORMALISERS", choice)
    with pytest.raises(error, match=line):
        megaasr.tokenise("abc", "th")


def reward_call(folder):
    """The command that scores a.txt against b.txt, up to the language."""
    texts = ["--hyp", folder / "a.txt", "--ref", folder / "b.txt"]
    return ["reward", *texts, "--reward", "wer_accuracy", "--language"]


def test_the_command_line_uses_the_normaliser_that_it_is_given(plugin, tmp_path):
    (tmp_path / "a.txt").write_text("abcd\n", encoding="utf-8")
    (tmp_path / "b.txt").write_text("axxd\n", encoding="utf-8")
    call = reward_call(tmp_path)
    assert "0.5000" in run(*call, "th").stdout
    given = run(*call, "eo", "--plugin", plugin("eo"))
    assert (given.returncode, given.stderr) == (0, "")
    assert "1.0000" in given.stdout
    assert "has the normalisers mine of" in refused(*call, "th", "--plugin", plugin("th"))
    (tmp_path / "b.txt").write_text("ayyd\n", encoding="utf-8")
    assert "1.0000" in run(*call, "th", "--plugin", plugin("th"), MEGAASR_NORMALISERS="th=mine").stdout
    (tmp_path / "b.txt").write_text("azzd\n", encoding="utf-8")
    assert "0.0000" in run(*call, "eo").stdout, "a later call knows nothing of it"


@pytest.mark.parametrize("language", ["eng", "English", "en_GB.UTF-8"])
def test_the_reward_command_takes_any_name_of_a_language(language, tmp_path):
    (tmp_path / "a.txt").write_text("Mr. Smith\n", encoding="utf-8")
    (tmp_path / "b.txt").write_text("mister smith\n", encoding="utf-8")
    call = reward_call(tmp_path)
    assert "1.0000" in run(*call, language).stdout
    assert "did you mean 'english'" in refused(*call, "Englisch")

"""`megaasr reward` from outside: a plugin of fifteen lines in a file, settings, results of `megaasr eval`, YAML."""

import json

import pytest

from tests.command_line import megaasr

FIFTEEN_LINES = '''"""Rewards of a third party."""
from pydantic import Field
from megaasr import Reward, hookimpl, reward
@reward
def improvement(batch):
    """1 - WER of the base, where the row tells it."""
    return [None if "base_wer" not in sample.meta else 1 - sample.meta["base_wer"] for sample in batch]
class Lexicon(Reward):
    """Whether a word is there."""
    name = "lexicon"
    word: str = Field(min_length=2, description="word that is looked for")
    def score(self, batch): return [float(self.word in sample.hypothesis.split()) for sample in batch]
@hookimpl
def register_rewards(register):
    register(improvement), register(Lexicon)
'''
FRAGILE = '''"""Fails on an empty hypothesis."""
from megaasr import hookimpl, reward
@reward
def fragile(batch):
    """1 / words."""
    return [1 / len(sample.hypothesis.split()) for sample in batch]
@reward(name="shift", bounds=(-1, 0))
def negative(batch):
    """-1."""
    return [-1.0] * len(batch)
@hookimpl
def register_rewards(register):
    register(fragile)
    register(negative)
'''
ROWS = [
    {"audio": "a.wav", "answer": "the cat sat down", "prediction": "the cat sat", "language": "en", "base_wer": 0.5},
    {"audio": "b.wav", "answer": "你好世界", "prediction": "你好", "language": "zh"},
    {"audio": "c.wav", "answer": "words", "error": "c.wav: no such file"},
]


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "third.py").write_text(FIFTEEN_LINES)
    (tmp_path / "fragile.py").write_text(FRAGILE)
    (tmp_path / "hyp.txt").write_text("the cat sat\n\nno no no no no no\n")
    (tmp_path / "ref.txt").write_text("the cat sat down\nwords\nno\n")
    (tmp_path / "results.jsonl").write_text("".join(json.dumps(row) + "\n" for row in ROWS))
    return tmp_path


def reward(folder, *options, plugin="third.py"):
    return megaasr("reward", "--plugin", plugin, *options, cwd=folder, MEGAASR_PLUGINS="")


TEXTS = ("--hyp", "hyp.txt", "--ref", "ref.txt")


def test_a_plugin_of_fifteen_lines_is_named_in_a_yaml_file(folder):
    assert len(FIFTEEN_LINES.splitlines()) == 15
    (folder / "r.yaml").write_text(
        "terms:\n"
        "  - {name: lexicon, weight: 0.5, settings: {word: cat}, gate: {name: anti_repetition}}\n"
        "  - {name: improvement}\n"
    )
    result = reward(folder, "results.jsonl", "--compose", "r.yaml", "--json")
    assert result.returncode == 0, result.stderr
    assert "note: 1 of 3 rows failed in the evaluation" in result.stderr
    found = json.loads(result.stdout)
    assert [(row["audio"], row["lexicon"], row["improvement"], row["total"]) for row in found["rows"]] == [
        ("a.wav", 1.0, 0.5, 1.0),
        ("b.wav", 0.0, None, None),
    ]
    assert found["mean"] == {"lexicon": 0.5, "improvement": 0.5, "total": 1.0}
    assert found["counts"]["total"] == {"scored": 1, "abstained": 1, "failed": 0, "of": 2}


def test_a_required_setting_of_one_reward_does_not_stop_the_others(folder):
    result = reward(folder, *TEXTS)
    assert result.returncode == 0, result.stderr
    assert result.stderr == (
        "megaasr: note: reward lexicon needs the setting 'word': give --reward-set lexicon.word=VALUE; it is left out\n"
    )
    assert "lexicon" not in result.stdout
    assert "   wer_accuracy " in result.stdout
    assert "   improvement                  none  mean of 0 of 3 (3 abstained)" in result.stdout


def test_settings_on_the_command_line_reach_the_reward(folder):
    options = ("--reward-set", "lexicon.word=cat", "--reward-set", "wer_accuracy.floor=-2")
    found = json.loads(reward(folder, *TEXTS, *options, "--json").stdout)
    assert [row["lexicon"] for row in found["rows"]] == [1.0, 0.0, 0.0]
    assert [row["wer_accuracy"] for row in found["rows"]] == [0.75, 0.0, -2.0]


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        ((*TEXTS, "--reward", "lexicon"), "reward lexicon needs the setting 'word': give --reward-set"),
        ((*TEXTS, "--reward-set", "lexicon.word=x"), "reward lexicon: word = 'x': String should have at least 2"),
        ((*TEXTS, "--reward-set", "wer_accuracy.floor=2"), "floor = 2: Input should be less than or equal to 1"),
        (
            (*TEXTS, "--reward-set", "wer_accuracy.flor=0"),
            "parameter of reward wer_accuracy: 'flor': did you mean 'floor'",
        ),
        ((*TEXTS, "--reward-set", "wer_acuracy.floor=0"), "did you mean 'wer_accuracy'"),
        ((*TEXTS, "--reward-set", "floor=0"), "--reward-set floor=0: write REWARD.FIELD=VALUE"),
        ((*TEXTS, "--reward-set", "floor"), "'floor': write NAME=VALUE"),
        ((*TEXTS, "--reward", "dg_wgpo", "--reward-set", "lexicon.word=no"), "lexicon.word: add --reward lexicon"),
        ((*TEXTS, "--compose", "r.yaml", "--reward-set", "lexicon.word=no"), "or --compose YAML"),
        (("results.jsonl", *TEXTS), "give either RESULTS.jsonl or --hyp FILE with --ref FILE"),
        (("--hyp", "hyp.txt"), "give RESULTS.jsonl, or --hyp FILE with --ref FILE"),
        (("unscored.jsonl",), "unscored.jsonl, line 2: needs 'prediction' and 'answer' or 'text'"),
        (("tongue.jsonl",), "tongue.jsonl, line 1: language '??'"),
    ],
)
def test_a_mistake_is_one_line_and_exit_code_2(folder, options, reason):
    (folder / "unscored.jsonl").write_text(json.dumps(ROWS[0]) + '\n{"audio": "x.wav", "answer": "x"}\n')
    (folder / "tongue.jsonl").write_text(json.dumps({**ROWS[0], "language": "??"}) + "\n")
    result = reward(folder, *options)
    assert result.returncode == 2
    assert reason in result.stderr
    assert result.stderr.count("\n") == 1
    assert result.stdout == ""


@pytest.mark.parametrize("composed", [False, True], ids=["by name", "composed"])
def test_a_reward_that_raises_is_one_line_and_the_others_are_printed(folder, composed):
    (folder / "r.yaml").write_text("terms: [{name: wer_accuracy}, {name: fragile}]\n")
    options = ("--compose", "r.yaml") if composed else ("--reward", "wer_accuracy", "--reward", "fragile")
    result = reward(folder, *TEXTS, *options, plugin="fragile.py")
    assert result.returncode == 1
    assert result.stderr == (
        "megaasr: failed: term fragile failed on 1 of 3 rows, the first line 2: "
        "reward fragile: ZeroDivisionError: division by zero (fragile.py:6)\n"
    )
    assert "   fragile         failed" in result.stdout
    assert "   wer_accuracy   -1.0833  mean of 3 of 3 (0 abstained)" in result.stdout
    assert "   fragile         0.2500  mean of 2 of 3 (0 abstained, 1 failed)" in result.stdout
    (row,) = [
        row
        for row in json.loads(reward(folder, *TEXTS, *options, "--json", plugin="fragile.py").stdout)["rows"]
        if "errors" in row
    ]
    assert row["fragile"] is None
    assert "ZeroDivisionError" in row["errors"]["fragile"]


def test_a_gate_below_zero_is_refused_with_its_bounds(folder):
    (folder / "r.yaml").write_text("terms: [{name: wer_accuracy, gate: shift}]\n")
    result = reward(folder, *TEXTS, "--compose", "r.yaml", plugin="fragile.py")
    assert result.returncode == 2
    assert result.stderr == (
        "megaasr: error: r.yaml: term wer_accuracy: gate shift has bounds -1..0; a gate must be within 0..1\n"
    )

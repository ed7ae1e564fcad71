"""`megaasr eval --compose`: rewards in the rows, the summary and the report."""

import json

import numpy as np
import pytest
import soundfile

from megaasr import ManifestError, Reward, RewardSample, Term
from megaasr.library.composed_reward import ComposedReward
from megaasr_plugins.evaluation.rewards import add_rewards, columns_of, sample_of
from tests.command_line import megaasr
from tests.plugins.evaluation.test_evaluation import EAR
from tests.plugins.evaluation.test_reward_command import FRAGILE
from tests.plugins.evaluation.test_slicing import row

HEARD = ["the cat sat", "hello world", ""]
SPOKEN = ["the cat sat down", "hello world", "words"]
COMPOSED = """
terms:
  - {name: wer_accuracy, weight: 0.5, gate: {name: anti_repetition, settings: {min_repeats_word: 3}}}
  - {name: quality}
"""
QUALITY = '''
from megaasr import hookimpl, reward
@reward
def quality(batch):
    """1 - WER of the base."""
    return [None if sample.meta.get("base_wer") is None else 1 - sample.meta["base_wer"] for sample in batch]
@hookimpl
def register_rewards(register):
    register(quality)
'''


@pytest.fixture
def folder(tmp_path):
    rows, table = [], {}
    for index, (heard, spoken) in enumerate(zip(HEARD, SPOKEN, strict=True)):
        sound = (0.1 * np.random.default_rng(index).standard_normal(3_200 + index)).astype(np.float32)
        soundfile.write(tmp_path / f"{index}.wav", sound, 16_000, subtype="FLOAT")
        table[str(len(sound))] = (heard, heard)
        rows.append({"audio": f"{index}.wav", "answer": spoken, **({"base_wer": 0.25 * index} if index else {})})
    (tmp_path / "table.json").write_text(json.dumps(table))
    (tmp_path / "in.jsonl").write_text(
        "".join(json.dumps(row) + "\n" for row in [*rows, {**rows[0], "audio": "no.wav"}])
    )
    (tmp_path / "whole.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    (tmp_path / "quality.py").write_text(QUALITY)
    (tmp_path / "fragile.py").write_text(FRAGILE)
    (tmp_path / "r.yaml").write_text(COMPOSED)
    return tmp_path


def evaluate(folder, *options, manifest="in.jsonl", plugins=("quality.py",)):
    call = [
        "eval",
        manifest,
        "out.jsonl",
        "--backend",
        "ear",
        "--backend-set",
        "table=table.json",
        "--router",
        "always_base",
    ]
    named = [part for plugin in (EAR, *plugins) for part in ("--plugin", plugin)]
    return megaasr(*call, *named, *options, cwd=folder)


def rows_of(folder):
    return [json.loads(line) for line in (folder / "out.jsonl").read_text().splitlines()]


EXPECTED = [
    {"wer_accuracy": 0.75, "quality": None, "total": None},
    {"wer_accuracy": 1.0, "quality": 0.75, "total": 1.25},
    {"wer_accuracy": 0.0, "quality": 0.5, "total": 0.5},
]


def test_rows_summary_and_report_carry_the_rewards(folder):
    result = evaluate(folder, "--compose", "r.yaml", "--batch-size", "2", "--report", "r.md", "--json")
    assert result.returncode == 1, result.stderr  # of the recording that is not there
    *scored, failed = rows_of(folder)
    assert [row["rewards"] for row in scored] == EXPECTED
    assert "error" in failed
    assert "rewards" not in failed
    summary = json.loads(result.stdout)["summary"]["rewards"]
    assert summary == {
        "wer_accuracy": {"mean": pytest.approx(1.75 / 3), "scored": 3, "abstained": 0, "failed": 0, "of": 3},
        "quality": {"mean": 0.625, "scored": 2, "abstained": 1, "failed": 0, "of": 3},
        "total": {"mean": 0.875, "scored": 2, "abstained": 1, "failed": 0, "of": 3},
    }
    report = (folder / "r.md").read_text()
    assert "## Rewards" in report
    assert "mean of 2 of 3 (1 abstained)" in report
    assert "compose r.yaml" in report


def test_results_that_are_there_are_scored_without_decoding(folder):
    assert evaluate(folder, manifest="whole.jsonl").returncode == 0
    before = rows_of(folder)
    assert "rewards" not in before[0]
    calls = (folder / "table.json.calls").read_text()
    result = evaluate(folder, "--compose", "r.yaml", "--reuse", "--json", manifest="whole.jsonl")
    assert result.returncode == 0, result.stderr
    assert rows_of(folder) == [{**row, "rewards": scores} for row, scores in zip(before, EXPECTED, strict=True)]
    assert json.loads(result.stdout)["summary"]["rewards"]["total"]["abstained"] == 1
    assert (folder / "table.json.calls").read_text() == calls


def test_a_term_that_fails_is_one_line_and_exit_code_1(folder):
    (folder / "r.yaml").write_text("terms: [{name: wer_accuracy}, {name: fragile}]\n")
    result = evaluate(folder, "--compose", "r.yaml", manifest="whole.jsonl", plugins=("fragile.py",))
    assert result.returncode == 1
    assert [line for line in result.stderr.splitlines() if "term fragile" in line] == [
        "megaasr: failed: term fragile failed on 1 of 3 rows, the first 2.wav: "
        "reward fragile: ZeroDivisionError: division by zero (fragile.py:6)"
    ]
    row = rows_of(folder)[2]
    assert row["rewards"] == {"wer_accuracy": 0.0, "fragile": None, "total": None}
    assert row["reward_errors"]["fragile"].startswith("reward fragile: ZeroDivisionError")
    assert row["wer"] == 1.0


def test_a_wrong_composition_is_one_line_before_any_work(folder):
    (folder / "r.yaml").write_text("terms: [{name: wer_acuracy}]\n")
    result = evaluate(folder, "--compose", "r.yaml", manifest="whole.jsonl")
    assert result.returncode == 2
    assert "did you mean 'wer_accuracy'" in result.stderr
    assert not (folder / "out.jsonl").exists()


class Echo(Reward):
    """The number in the sample's meta."""

    name = "echo"

    def score(self, batch):
        return [sample.meta["number"] for sample in batch]


def test_all_other_fields_of_a_row_are_the_meta_of_its_sample():
    row = {"prediction": "a", "text": "b", "subset": "sim-zh-noise", "base_wer": 0.5, "rewards": {"x": 1.0}}
    assert sample_of(row, "row") == RewardSample("a", "b", "zh", {"subset": "sim-zh-noise", "base_wer": 0.5})
    assert sample_of({"prediction": "a", "answer": None}, "row").reference is None
    with pytest.raises(ManifestError, match="row 7: needs 'prediction'"):
        sample_of({"answer": "b"}, "row 7")


def test_rewards_of_an_earlier_run_are_replaced():
    composed = ComposedReward([Term("echo", Echo(), 2.0)])
    heard = row("a.wav", prediction="a", answer="b", number=0.5)
    rows = [{**heard, "rewards": {"old": 1.0}, "reward_errors": {"old": "x"}}, {"error": "x"}]
    scored = add_rewards(rows, composed)
    assert scored == [{**heard, "rewards": {"echo": 0.5, "total": 1.0}}, {"error": "x"}]
    assert columns_of(scored)["total"].summary()["of"] == 1
    with pytest.raises(ManifestError, match="has no 'rewards'"):
        columns_of([row("a.wav")])

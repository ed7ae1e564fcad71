"""`megaasr reward` on two files of texts."""

import json

import pytest

from tests.command_line import megaasr, refused


@pytest.fixture
def pairs(tmp_path):
    (tmp_path / "hyp.txt").write_text("the cat sat town\n\ncome on come on come on\n")
    (tmp_path / "ref.txt").write_text("the cat sat down\nwords\ncome on\n")
    return ["reward", "--hyp", tmp_path / "hyp.txt", "--ref", tmp_path / "ref.txt"]


def test_reward_prints_every_term_by_name(pairs):
    scores = json.loads(megaasr(*pairs, "--json").stdout)
    assert scores["rows"][0]["wer_accuracy"] == 0.75
    assert scores["rows"][0]["dg_wgpo"] == pytest.approx(0.828309, abs=1e-6)
    assert scores["rows"][2]["anti_repetition"] == 0.0
    assert scores["mean"]["wer_accuracy"] == pytest.approx((0.75 + 0.0 - 1.0) / 3)
    text = megaasr(*pairs).stdout
    for term in ("wer_accuracy", "anti_repetition", "token_refinement", "sentence_reconstruction", "dual_granularity"):
        assert text.count(f"   {term} ") == 4
    assert "mean of 3" in text


def test_a_reward_is_swapped_without_code(pairs, tmp_path):
    (tmp_path / "r.yaml").write_text("terms: [{name: wer_accuracy, weight: 0.5, gate: anti_repetition}]\n")
    rows = json.loads(megaasr(*pairs, "--compose", tmp_path / "r.yaml", "--json").stdout)["rows"]
    assert [row["total"] for row in rows] == [0.375, 0.0, 0.0]


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        (["--reward", "wer_acuracy"], "did you mean 'wer_accuracy'"),
        (["--compose", "nowhere.yaml"], "nowhere.yaml"),
        (["--language", "klingon!"], "ISO 639-1"),
        (["--reward", "wer_accuracy", "--compose", "x.yaml"], "either --reward NAME or --compose YAML"),
    ],
)
def test_what_cannot_be_scored_is_one_line(pairs, options, reason):
    assert reason in refused(*pairs, *options)


def test_files_of_different_length_are_refused(pairs, tmp_path):
    (tmp_path / "ref.txt").write_text("one\n")
    line = refused(*pairs)
    assert "3 lines" in line
    assert "has 1" in line


def test_a_broken_line_of_results_is_a_failure_and_the_others_are_scored(tmp_path):
    good = {"audio": "a.wav", "answer": None, "text": "the cat", "prediction": "the cat", "language": "en"}
    lines = [json.dumps(good), '{"prediction": 1e999}', "{" * 5_000, json.dumps(good)]
    (tmp_path / "r.jsonl").write_text("\n".join(lines) + "\n", encoding="utf-8-sig")
    done = megaasr("reward", "r.jsonl", "--reward", "wer_accuracy", "--json", cwd=tmp_path)
    assert done.returncode == 1
    failed = done.stderr.splitlines()
    assert [line.split(": ")[2] for line in failed] == ["r.jsonl, line 2", "r.jsonl, line 3"]
    assert json.loads(done.stdout)["mean"]["wer_accuracy"] == 1.0, "text stands for an answer of null"
    (tmp_path / "r.jsonl").write_text("{\n")
    assert "r.jsonl, line 1: not JSON" in refused("reward", "r.jsonl", cwd=tmp_path)

"""What a scored row needs, checked in one place: each fault is one line that names the utterance."""

import json
import warnings

import numpy as np
import pytest
import soundfile

from megaasr import normaliser_version
from megaasr_core.base.errors import ManifestError
from megaasr_plugins.evaluation.comparison.systems import compare
from megaasr_plugins.evaluation.pairing import scored_rows
from megaasr_plugins.evaluation.rewards import columns_of, rewards_summary
from megaasr_plugins.evaluation.summary import summarise
from tests.command_line import megaasr, refused
from tests.plugins.evaluation.test_evaluation import EAR
from tests.plugins.evaluation.test_slicing import rendered

HEARD_BY = ("--plugin", EAR, "--backend", "ear", "--backend-set", "table=table.json", "--router", "always_base")

GOOD = rendered("a.wav", "noise", audio_s=2.0, decoding_s=0.1, rewards={"total": 1.0}, reward_errors={})
WRONG = {
    "metric": [None, "per", 1],
    "num_edits": [None, True, 1.0, "1", -1, 10**12, 10**30, []],
    "ref_len": [None, -1, 10**30, "x"],
    "substitutions": [None, -1],
    "audio_s": [None, -0.5, 1e308, "2"],
    "decoding_s": [-1, 10**299],
    "language": [5, "zz", "", ["en"]],
    "normaliser": [2, ["english-2"]],
    "flags": [5, "empty", None, [1], {"empty": True}],
    "adapter": [0, ["x"]],
    "rewards": [5, None, {"total": "x"}, {"total": True}, {"total": 10**299}],
    "reward_errors": [5, None, ["total"], {"total": 1}],
}
VALUES = [None, True, 0, 5, -1, 10**12, 10**299, 1e308, -2.5, "x", "", "\ud800", [], [1], ["x"], {}, {"a": 1}, [[]]]


def refusal(call):
    """The message of a call that is refused; empty where it gives figures that are JSON."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        try:
            json.dumps(call(), allow_nan=False)
        except ManifestError as error:
            return str(error)
    return ""


@pytest.mark.parametrize(("field", "value"), [(field, value) for field, values in WRONG.items() for value in values])
def test_a_value_that_no_evaluation_writes_is_one_line_that_names_utterance_and_field(field, value):
    with pytest.raises(ManifestError) as caught:
        scored_rows([GOOD, {**GOOD, "audio": "b.wav", field: value}])
    line = str(caught.value)
    assert line.startswith(f"b.wav: {field}")
    assert line.endswith("results of `megaasr eval` are expected")
    assert "\n" not in line


@pytest.mark.parametrize("field", [*GOOD, "subset", "source", "category", "id", "text", "answer", "start", "channel"])
def test_whatever_a_field_holds_results_are_summarised_and_compared_or_refused(field):
    for value in VALUES:
        rows = [GOOD, {**GOOD, "audio": "b.wav", field: value}]
        calls = (
            lambda rows=rows: summarise(rows, 0, ("effect", "effects", "severity", "flags", "source", "category")),
            lambda rows=rows: compare(rows, rows[::-1]),
            lambda rows=rows: rewards_summary(columns_of(rows)),
        )
        assert all("\n" not in line and (not line or ".wav" in line or "row 1" in line) for line in map(refusal, calls))


def test_failed_rows_need_no_scores():
    assert scored_rows([{"audio": "a.wav", "error": "x", "flags": 5}, GOOD]) == [GOOD]


def test_compare_refuses_wrong_flags_in_one_line(tmp_path):
    for name, flags in (("base", []), ("other", 5)):
        (tmp_path / f"{name}.jsonl").write_text(json.dumps({**GOOD, "flags": flags}) + "\n")
    line = refused("compare", "base.jsonl", "x=other.jsonl", cwd=tmp_path)
    assert "a.wav: flags: Input should be a valid list" in line


@pytest.fixture
def spoken(tmp_path):
    for name in ("a.wav", "b.wav"):
        soundfile.write(tmp_path / name, np.resize([0.1, -0.1], 3200), 16_000)
    (tmp_path / "table.json").write_text(json.dumps({"3200": ["words", "words"]}))
    rows = [{"audio": "a.wav", "text": "words"}, {"audio": "b.wav", "text": "词", "language": "zh"}]
    (tmp_path / "in.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    return tmp_path


def test_each_row_of_eval_names_the_normaliser_that_scored_it(spoken):
    ran = megaasr("eval", "in.jsonl", "out.jsonl", *HEARD_BY, cwd=spoken)
    assert ran.returncode == 0, ran.stderr
    rows = [json.loads(line) for line in (spoken / "out.jsonl").read_text().splitlines()]
    assert [row["normaliser"] for row in rows] == [normaliser_version("en"), normaliser_version("zh")]


def test_eval_refuses_a_base_of_another_normaliser_before_the_work(spoken):
    base = [{**GOOD, "normaliser": "english-0"}, {**GOOD, "audio": "b.wav", "language": "zh", "metric": "cer"}]
    (spoken / "base.jsonl").write_text("".join(json.dumps(row) + "\n" for row in base))
    line = refused("eval", "in.jsonl", "out.jsonl", *HEARD_BY, "--compare", "base.jsonl", cwd=spoken)
    assert f"a.wav: scored by {normaliser_version('en')} and by english-0; evaluate both again" in line
    assert not (spoken / "out.jsonl").exists()

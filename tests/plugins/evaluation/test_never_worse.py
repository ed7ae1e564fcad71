import json
import random

import numpy as np
import pytest
from scipy.stats import bootstrap

from megaasr_core.base.seeding import SampleKey
from megaasr_plugins.evaluation.intervals import RESAMPLES, bootstrap_sums, error_rate, relative_of
from megaasr_plugins.evaluation.never_worse import never_worse
from megaasr_plugins.evaluation.summary import compare
from tests.command_line import megaasr
from tests.plugins.evaluation.test_slicing import rendered, row

# effect, edits of the base, edits of the other, of 10 words each
BETTER = [("noise", 4, 1), ("noise", 5, 2), ("dropout", 3, 2), ("dropout", 3, 1), ("voip", 2, 0)]


def results(cases, column):
    return [rendered(f"{index}.wav", case[0], edits=case[column], length=10) for index, case in enumerate(cases)]


def write(path, rows):
    path.write_text("".join(json.dumps({**one, "answer": "x"}) + "\n" for one in rows))


def evaluated(folder, *options):
    """`megaasr eval --reuse` on rows that are there."""
    return megaasr("eval", "base.jsonl", "out.jsonl", "--reuse", *options, cwd=folder)


def guarded(folder, ours, base, *options):
    write(folder / "out.jsonl", ours)
    write(folder / "base.jsonl", base)
    return evaluated(folder, "--never-worse", "base.jsonl", *options)


def test_the_figures_of_two_utterances_are_those_of_their_three_resamples():
    ours, base = [row("a", 2, 10), row("b", 3, 10)], [row("a", 1, 10), row("b", 1, 10)]
    one = compare(ours, base)["slices"]["all (wer)"]
    assert one["difference"] == pytest.approx({"value": 0.15, "low": 0.1, "high": 0.2})
    assert one["relative_difference"] == pytest.approx({"value": 1.5, "low": 1.0, "high": 2.0})
    assert one["relative"] == pytest.approx(1.5)
    back = compare(base, ours)["slices"]["all (wer)"]
    assert back["difference"] == pytest.approx({"value": -0.15, "low": -0.2, "high": -0.1})
    assert back["relative_difference"] == pytest.approx({"value": -0.6, "low": -2 / 3, "high": -0.5})


def test_a_base_without_errors_has_no_relative_difference_or_no_bound():
    def relative(edits, base):
        return relative_of(*bootstrap_sums([edits, base]))

    assert relative([1, 1], [0, 0]) is None
    found = relative([1, 1], [0, 2])  # a quarter of the resamples has none of the base's errors
    assert (found.value, found.low, found.high) == (0.0, -0.5, None)
    both = relative([0, 2], [0, 2])
    assert (both.value, both.low, both.high) == (0.0, 0.0, 0.0)
    alone = relative([1], [2])
    assert (alone.value, alone.low, alone.high) == (-0.5, None, None)


def test_the_bootstrap_is_that_of_scipy():
    rng = np.random.default_rng(3)
    lengths = rng.integers(1, 15, 40)
    edits = rng.binomial(lengths, 0.3)
    theirs = bootstrap(
        (edits, lengths),
        lambda e, n, axis: e.sum(axis) / n.sum(axis),
        paired=True,
        n_resamples=RESAMPLES,
        batch=2_000_000 // 40,
        method="percentile",
        rng=SampleKey(0, "bootstrap").rng(),
    ).confidence_interval
    ours = error_rate(edits, lengths)
    assert (ours.low, ours.high) == pytest.approx((theirs.low, theirs.high), abs=1e-12)


def test_resamples_are_equal_however_they_are_divided():
    edits, lengths = list(range(50)), [9] * 50
    whole = error_rate(edits, lengths)
    many = error_rate(edits * 20, lengths * 20)  # 1,000 utterances take more than one batch
    assert many.value == whole.value
    assert many.high - many.low == pytest.approx((whole.high - whole.low) / 20**0.5, rel=0.1)


@pytest.mark.parametrize("swapped", [False, True])
def test_the_sides_are_not_confused(swapped):
    """Whoever flips a sign or the sides makes this red twice."""
    ours, base = results(BETTER, 2), results(BETTER, 1)
    verdict = never_worse(compare(base, ours, by=["effect"]) if swapped else compare(ours, base, by=["effect"]))
    assert verdict.passed is not swapped
    slices = ["all (wer)", "unknown / unknown / en", "effect: dropout", "effect: noise"]
    assert list(verdict.worse) == (slices if swapped else [])
    assert (verdict.checked, verdict.unchecked) == (4, ("effect: voip",))


@pytest.mark.parametrize(("low", "worse"), [(1e-9, True), (0.0, False), (-1e-9, False)])
def test_the_lower_end_decides(low, worse):
    one = {"utterances": 2, "tokens": 9, "error_rate": 0.5, "base_error_rate": 0.4}
    slices = {"a": {**one, "difference": {"value": 0.1, "low": low, "high": 0.2}}}
    assert bool(never_worse({"slices": slices, "failed_in_either": 0}).worse) is worse


def test_the_order_of_the_rows_decides_nothing():
    ours, base = results(BETTER * 6, 1), results(BETTER * 6, 2)
    shuffled = random.Random(1).sample(ours, len(ours))
    one, other = (compare(rows, base, by=["effect"])["slices"] for rows in (ours, shuffled))
    assert list(one) == list(other)
    for name in one:
        assert one[name]["difference"]["value"] == other[name]["difference"]["value"]
        assert one[name]["difference"]["low"] == pytest.approx(other[name]["difference"]["low"], abs=0.01)


def test_what_is_worse_is_one_line_each_and_exit_code_3(tmp_path):
    result = guarded(tmp_path, results(BETTER, 1), results(BETTER, 2), "--by", "effect", "--json")
    assert result.returncode == 3
    lines = result.stderr.strip().split("\n")
    assert len(lines) == 4
    assert (
        "megaasr: worse than base.jsonl: effect: dropout: 30.00 % against 15.00 %, difference +15.00 points "
        "[+10.00, +20.00] over 2 utterances, 20 words or characters"
    ) in lines
    found = json.loads(result.stdout)["never_worse"]
    assert (found["passed"], found["checked"], found["unchecked"]) == (False, 4, ["effect: voip"])
    assert found["worse"][-1] == "effect: noise"


def test_what_is_not_worse_is_one_line_and_exit_code_0(tmp_path):
    result = guarded(tmp_path, results(BETTER, 2), results(BETTER, 1), "--by", "effect", "--report", "r.md")
    assert result.returncode == 0, result.stderr
    assert result.stderr == (
        "megaasr: not worse than base.jsonl with 95 % confidence on any of 4 slices checked; "
        "unchecked, of one utterance: effect: voip\n"
    )
    text = (tmp_path / "r.md").read_text()
    assert "Never worse: yes; 4 slices checked, 1 of one utterance unchecked." in text
    dropout = next(line for line in text.splitlines()[::-1] if line.startswith("| effect: dropout"))
    cells = [cell.strip() for cell in dropout.strip("|").split("|")]
    assert cells[1:] == ["2", "20", "30.00", "15.00", "-15.00 [-20.00, -10.00]", "-50.0 [-66.7, -33.3]"]


def test_a_slice_only_worse_by_chance_passes_and_a_named_one_does_not_hide_in_the_whole(tmp_path):
    chance = [("noise", 4, 5), ("noise", 5, 4), ("noise", 3, 5)]
    assert guarded(tmp_path, results(chance, 2), results(chance, 1)).returncode == 0
    hidden = [("noise", 9, 1)] * 6 + [("voip", 1, 2)] * 2
    assert guarded(tmp_path, results(hidden, 2), results(hidden, 1)).returncode == 0
    result = guarded(tmp_path, results(hidden, 2), results(hidden, 1), "--by", "effect")
    assert result.returncode == 3
    assert "worse than base.jsonl: effect: voip: 20.00 % against 10.00 %" in result.stderr


def test_a_guard_that_saw_nothing_does_not_pass(tmp_path):
    result = guarded(tmp_path, results(BETTER[:1], 2), results(BETTER[:1], 1))
    assert result.returncode == 3
    assert "no slice could be compared with base.jsonl; unchecked, of one utterance: all (wer)" in result.stderr


def test_what_failed_is_said(tmp_path):
    ours, base = results(BETTER, 2), results(BETTER, 1)
    result = guarded(tmp_path, ours, [{"audio": "0.wav", "error": "x"}, *base[1:]])
    assert result.returncode == 0
    assert "utterances that failed in either, left out: 1" in result.stderr
    result = guarded(tmp_path, [{"audio": "0.wav", "error": "gone"}, *ours[1:]], base)
    assert result.returncode == 1
    assert "1 of 5 rows failed" in result.stderr


def test_many_unchecked_slices_are_counted():
    rows = [row(str(index), room=index) for index in range(20)]
    line = never_worse(compare(rows, rows, by=["room"])).lines("b")[0]
    assert line.endswith("room: 11 and 8 more")


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        (["--never-worse", "base.jsonl", "--compare", "base.jsonl"], "leave out --compare"),
        (["--never-worse", "nowhere.jsonl"], "nowhere.jsonl"),
        (["--by", "efect"], "did you mean 'effect"),
    ],
)
def test_what_cannot_be_guarded_is_one_line(tmp_path, options, reason):
    for name in ("out.jsonl", "base.jsonl"):
        write(tmp_path / name, results(BETTER, 1))
    result = evaluated(tmp_path, *options)
    assert result.returncode == 2
    assert reason in result.stderr
    assert result.stderr.count("\n") == 1

"""`--never-worse` is a test of non-inferiority: a pass needs evidence, and little data or many failed rows are none."""

import json
import random

import pytest

from megaasr_plugins.evaluation.comparison.systems import compare
from megaasr_plugins.evaluation.never_worse import Rules, failed_as_deleted, never_worse
from tests.command_line import megaasr
from tests.plugins.evaluation.test_slicing import rendered, row

# effect, edits of the base, edits of the other; twelve clips of 50 words each
BETTER = [("noise", 20, 5), ("dropout", 15, 5)] * 12
ANY_SIZE = ("--min-clusters", "0", "--min-words", "0")


def results(cases, column, length=50):
    return [rendered(f"{index}.wav", case[0], edits=case[column], length=length) for index, case in enumerate(cases)]


def write(path, rows):
    path.write_text("".join(json.dumps({"answer": f"words of {one['audio']}", **one}) + "\n" for one in rows))


def evaluated(folder, *options):
    """`megaasr eval --reuse` on rows that are there."""
    return megaasr("eval", "base.jsonl", "out.jsonl", "--reuse", *options, cwd=folder)


def guarded(folder, ours, base, *options):
    write(folder / "out.jsonl", ours)
    write(folder / "base.jsonl", base)
    return evaluated(folder, "--never-worse", "base.jsonl", *options)


def test_a_slice_with_a_row_that_is_not_degraded_has_the_margin_of_clean_speech():
    rows = results(BETTER, 1)
    assert compare(rows, rows)["slices"]["all (wer)"]["degraded"]
    clean = [row("clean.wav", 0, 50)]
    _, verdict = never_worse([*rows, *clean], [*rows, *clean], Rules(), by=["effect"])
    margins = {name: found.margin_points for name, found in verdict.slices.items()}
    assert margins == {
        "all (wer)": 0.5,
        "unknown / unknown / en": 0.5,
        "clean": 0.5,
        "effect: dropout": 1.0,
        "effect: noise": 1.0,
    }
    _, verdict = never_worse(rows, rows, Rules(margin_points=3.0))
    assert {found.margin_points for found in verdict.slices.values()} == {3.0}


@pytest.mark.parametrize("swapped", [False, True])
def test_the_sides_are_not_confused(swapped):
    """A flipped sign or swapped sides make both cases fail."""
    ours, base = results(BETTER, 2), results(BETTER, 1)
    _, verdict = never_worse(*((base, ours) if swapped else (ours, base)), Rules(), by=["effect"])
    slices = ["all (wer)", "unknown / unknown / en", "effect: dropout", "effect: noise"]
    assert verdict.named("worse" if swapped else "not worse") == slices
    assert verdict.outcome == ("worse" if swapped else "not worse")


def test_the_order_of_the_rows_decides_nothing():
    rng = random.Random(3)
    cases = [("noise", rng.randrange(20), rng.randrange(20)) for _ in range(40)]
    ours, base = results(cases, 1), results(cases, 2)
    shuffled = random.Random(1).sample(ours, len(ours))
    one, other = (compare(rows, base, by=["effect"])["slices"] for rows in (ours, shuffled))
    assert list(one) == list(other)
    for name in one:
        found, again = (slices[name]["systems"]["this"]["difference"] for slices in (one, other))
        assert found["value"] == again["value"]
        assert found["low"] == pytest.approx(again["low"], abs=0.01)


def test_what_is_worse_is_one_line_each_and_exit_code_3(tmp_path):
    result = guarded(tmp_path, results(BETTER, 1), results(BETTER, 2), "--by", "effect", "--json")
    assert result.returncode == 3
    lines = result.stderr.strip().split("\n")
    assert len(lines) == 4
    assert (
        "megaasr: worse than base.jsonl: effect: dropout: 30.00 % against 10.00 %, difference +20.00 points "
        "[+20.00, +20.00], margin 1; words: 600, clusters: 12"
    ) in lines
    found = json.loads(result.stdout)["never_worse"]
    assert found["outcome"] == "worse"
    assert {one["outcome"] for one in found["slices"].values()} == {"worse"}
    assert found["rules"] == {"margin_points": None, "min_clusters": 10, "min_words": None, "max_failed": 0.01}


def test_what_is_not_worse_is_one_line_and_exit_code_0(tmp_path):
    result = guarded(tmp_path, results(BETTER, 2), results(BETTER, 1), "--by", "effect", "--report", "r.md")
    assert result.returncode == 0, result.stderr
    assert result.stderr == (
        "megaasr: not worse than base.jsonl: 4 of 4 slices, margin 1 points, with 97.5 % confidence each\n"
    )
    text = (tmp_path / "r.md").read_text()
    assert "All slices: not worse." in text
    lines = [[cell.strip() for cell in line.strip("|").split("|")] for line in text.splitlines()]
    dropout = [line for line in lines if line[0] == "effect: dropout"]
    assert dropout[-1][1:3] == ["not worse", "1"]
    assert dropout[-2][:5] == ["effect: dropout", "this", *["-20.00 [-20.00, -20.00]"] * 2, "-66.7 [-66.7, -66.7]"]


def test_a_named_slice_does_not_hide_in_the_whole(tmp_path):
    hidden = [("noise", 45, 5)] * 36 + [("voip", 5, 10)] * 12
    assert guarded(tmp_path, results(hidden, 2), results(hidden, 1)).returncode == 0
    result = guarded(tmp_path, results(hidden, 2), results(hidden, 1), "--by", "effect")
    assert result.returncode == 3
    assert "worse than base.jsonl: effect: voip: 20.00 % against 10.00 %" in result.stderr


def test_two_of_three_words_wrong_on_three_clips_is_no_pass(tmp_path):
    base = [row(f"{name}.wav", 0, 1) for name in "abc"]
    ours = [row(f"{name}.wav", edits, 1) for name, edits in zip("abc", (1, 1, 0), strict=True)]
    result = guarded(tmp_path, ours, base)
    assert result.returncode == 4, result.stderr
    assert "cannot tell whether worse than base.jsonl: all (wer): 66.67 % against 0.00 %" in result.stderr
    assert "words: 3, clusters: 3; fewer than 10 clusters; fewer than 600 words" in result.stderr
    assert "not worse" not in result.stderr


def test_clips_of_one_sentence_are_no_evidence_however_many(tmp_path):
    rows = [{**one, "answer": "the same words"} for one in results(BETTER, 1)]
    result = guarded(tmp_path, rows, rows)
    assert result.returncode == 4
    assert "clusters: 1; fewer than 10 clusters" in result.stderr
    assert guarded(tmp_path, rows, rows, "--cluster", "row").returncode == 0


def test_a_base_that_failed_on_98_of_100_rows_is_no_pass(tmp_path):
    ours = [row(f"{index}.wav", 1, 1_000) for index in range(100)]
    base = [ours[index] if index % 50 == 0 else {"audio": f"{index}.wav", "error": "gone"} for index in range(100)]
    for options in ((), ANY_SIZE):
        result = guarded(tmp_path, ours, base, *options)
        assert result.returncode == 4, result.stderr
        assert "98 of 100 rows failed in the base; they are left out" in result.stderr
        assert "not worse" not in result.stderr
    assert "98 of 100 rows failed in the base, more than the share 0.01" in result.stderr
    assert guarded(tmp_path, ours, base, *ANY_SIZE, "--max-failed", "0.98").returncode == 0


def test_a_row_that_failed_alone_counts_as_deleted_words(tmp_path):
    base = results(BETTER * 5, 1)
    ours = [{"audio": "0.wav", "error": "gone"}, *base[1:]]
    (deleted, *_) = failed_as_deleted(ours, base)
    assert [deleted[name] for name in ("num_edits", "deletions", "insertions", "ref_len")] == [50, 50, 0, 50]
    comparison, verdict = never_worse(ours, base, Rules())
    assert comparison["utterances"] == 120
    edits = sum(one["num_edits"] for one in base)
    this = comparison["slices"]["all (wer)"]["systems"]["this"]
    assert this["difference"]["value"] == pytest.approx((50 - 20) / 6_000)
    assert this["error_rate"]["value"] == pytest.approx((edits + 30) / 6_000)
    assert verdict.failed == ("1 of 120 rows failed in this run; their words count as deleted",)
    result = guarded(tmp_path, ours, base, "--margin", "5")
    assert result.returncode == 1  # it passes, and a row failed
    assert "1 of 120 rows failed in this run; their words count as deleted" in result.stderr


def test_most_rows_failed_is_worse_and_a_few_too_many_cannot_tell(tmp_path):
    base = results(BETTER, 1)
    failed = [{"audio": one["audio"], "error": "gone"} for one in base]
    assert guarded(tmp_path, [*failed[:20], *base[20:]], base).returncode == 3
    result = guarded(tmp_path, [failed[0], *base[1:]], base, "--margin", "20")
    assert result.returncode == 4  # one of 24 is more than 1 %
    assert "1 of 24 rows failed in this run, more than the share 0.01" in result.stderr
    assert guarded(tmp_path, [failed[0], *base[1:]], base, "--margin", "20", "--max-failed", "0.05").returncode == 1


def test_a_guard_that_saw_nothing_does_not_pass(tmp_path):
    failed = [{"audio": f"{index}.wav", "error": "gone"} for index in range(3)]
    result = guarded(tmp_path, failed, failed, "--max-failed", "1")
    assert result.returncode == 4
    assert "cannot tell whether worse than base.jsonl: no utterance was scored in both" in result.stderr


def test_many_undecided_slices_are_counted():
    rows = [row(str(index), room=index) for index in range(20)]
    _, verdict = never_worse(rows, rows, Rules(), by=["room"])
    assert verdict.lines("b")[-1] == "cannot tell whether worse than b: 10 more slices"
    assert len(verdict.lines("b")) == 13


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        (["--never-worse", "base.jsonl", "--compare", "base.jsonl"], "leave out --compare"),
        (["--never-worse", "nowhere.jsonl"], "nowhere.jsonl"),
        (["--by", "efect"], "did you mean 'effect"),
        (["--cluster", "speakr"], "unknown field 'speakr'"),
        (["--never-worse", "base.jsonl", "--margin", "0"], "margin of 0 points: a number above 0 is expected"),
        (["--never-worse", "base.jsonl", "--margin", "nan"], "margin of nan points"),
        (["--never-worse", "base.jsonl", "--max-failed", "2"], "maximum share of failed rows 2: 0 to 1 is expected"),
        (["--never-worse", "base.jsonl", "--min-clusters", "-1"], "minimum of -1 clusters: 0 or more is expected"),
        (["--margin", "1"], "need --never-worse BASE.jsonl"),
        (["--compare", "base.jsonl", "--max-failed", "0.5"], "need --never-worse BASE.jsonl"),
    ],
)
def test_what_cannot_be_guarded_is_one_line(tmp_path, options, reason):
    for name in ("out.jsonl", "base.jsonl"):
        write(tmp_path / name, results(BETTER, 1))
    result = evaluated(tmp_path, *options)
    assert result.returncode == 2
    assert reason in result.stderr
    assert result.stderr.count("\n") == 1

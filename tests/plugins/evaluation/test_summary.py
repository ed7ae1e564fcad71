import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from megaasr_core.base.errors import ManifestError
from megaasr_plugins.evaluation.comparison.systems import compare
from megaasr_plugins.evaluation.intervals import error_rate, rate_difference
from megaasr_plugins.evaluation.summary import summarise

counts = st.lists(st.tuples(st.integers(0, 12), st.integers(0, 12), st.integers(1, 10)), min_size=2, max_size=12)


@settings(max_examples=20)
@given(counts)
def test_an_interval_holds_its_estimate_and_does_not_depend_on_chance(rows):
    edits, _, lengths = zip(*rows, strict=True)
    found = error_rate(edits, lengths)
    assert found.value == pytest.approx(sum(edits) / sum(lengths))
    assert min(e / n for e, n in zip(edits, lengths, strict=True)) - 1e-9 <= found.low <= found.value + 1e-9
    assert found.value - 1e-9 <= found.high <= max(e / n for e, n in zip(edits, lengths, strict=True)) + 1e-9
    assert error_rate(edits, lengths) == found


@settings(max_examples=20)
@given(counts)
def test_a_difference_changes_sign_with_its_sides_and_is_nothing_with_itself(rows):
    edits, base, lengths = zip(*rows, strict=True)
    one, other = rate_difference(edits, base, lengths), rate_difference(base, edits, lengths)
    assert one.value == pytest.approx(-other.value)
    assert one.low == pytest.approx(-other.high, abs=0.25)
    same = rate_difference(edits, edits, lengths)
    assert (same.value, same.low, same.high) == (0.0, 0.0, 0.0)


def test_one_utterance_has_no_interval():
    found = error_rate([1], [4])
    assert (found.value, found.low, found.high) == (0.25, None, None)


def test_the_interval_covers_the_true_rate_about_19_times_in_20():
    rng = np.random.default_rng(0)
    lengths = rng.integers(5, 15, (60, 40))
    edits = rng.binomial(lengths, 0.2)
    found = [error_rate(edits[run], lengths[run], seed=run) for run in range(60)]
    covered = sum(one.low <= 0.2 <= one.high for one in found)
    assert 51 <= covered <= 60  # binomial(60, 0.95) lies in there with probability 0.999


def test_pairing_sees_what_separate_intervals_do_not():
    rng = np.random.default_rng(1)
    lengths = np.full(100, 10)
    base = rng.binomial(10, rng.uniform(0.0, 0.8, 100))
    better = np.maximum(base - 1, 0)
    difference = rate_difference(better, base, lengths)
    assert difference.high < 0.0
    assert error_rate(better, lengths).high > error_rate(base, lengths).low


def row(name, edits, length, **fields):
    parts = {"substitutions": edits, "insertions": 0, "deletions": 0, "flags": [], "adapter": None}
    return {"audio": name, "metric": "wer", "num_edits": edits, "ref_len": length, **parts, **fields}


def test_failed_rows_are_counted_and_left_out():
    summary = summarise([row("a", 1, 4), {"audio": "b", "error": "x"}])
    assert (summary["utterances"], summary["failed"]) == (2, 1)
    assert summary["slices"]["all (wer)"]["utterances"] == 1
    assert summarise([{"audio": "b", "error": "x"}])["slices"] == {}


def test_rows_without_scores_are_refused():
    with pytest.raises(ManifestError, match="results of `megaasr eval` are expected"):
        summarise([{"audio": "a"}])


def test_only_like_is_compared_with_like():
    with pytest.raises(ManifestError, match="differ in 1 utterances, such as b"):
        compare([row("a", 1, 4), row("b", 1, 4)], [row("a", 1, 4)])
    with pytest.raises(ManifestError, match="references of different length"):
        compare([row("a", 1, 4)], [row("a", 1, 5)])
    with pytest.raises(ManifestError, match="occurs twice"):
        compare([row("a", 1, 4)] * 2, [row("a", 1, 4)] * 2)
    result = compare([row("a", 1, 4), row("b", 0, 4)], [row("b", 2, 4), {"audio": "a", "error": "x"}])
    assert (result["utterances"], result["failed_in_any"]) == (1, 1)
    assert result["slices"]["all (wer)"]["systems"]["this"]["difference"]["value"] == -0.5

"""The bootstrap: what it resamples, against a closed form, another implementation and its coverage."""

import numpy as np
import pytest
from scipy.stats import bootstrap

from megaasr_core.base.seeding import SampleKey
from megaasr_plugins.evaluation.comparison.systems import compare
from megaasr_plugins.evaluation.intervals import (
    RESAMPLES,
    bootstrap_sums,
    error_rate,
    rate_difference,
    relative_of,
)
from tests.plugins.evaluation.test_slicing import row


def test_the_figures_of_two_utterances_are_those_of_their_three_resamples():
    ours, base = [row("a", 2, 10), row("b", 3, 10)], [row("a", 1, 10), row("b", 1, 10)]
    one = compare(ours, base)["slices"]["all (wer)"]["systems"]["this"]
    assert one["difference"] == pytest.approx({"value": 0.15, "low": 0.1, "high": 0.2})
    assert one["relative_difference"] == pytest.approx({"value": 1.5, "low": 1.0, "high": 2.0})
    back = compare(base, ours)["slices"]["all (wer)"]["systems"]["this"]
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


def test_utterances_of_one_cluster_are_drawn_together():
    edits, lengths, clusters = [3, 1, 0, 2, 0, 0], [4] * 6, [7, 2, 7, 2, 5, 5]
    by_cluster = error_rate([3, 3, 0], [8, 8, 8])  # of 2, 5 and 7, in this order: 3, 0 and 3 edits of 8 words
    found = error_rate(edits, lengths, clusters=clusters)
    assert found.value == by_cluster.value == 0.25
    (wholes,) = bootstrap_sums([edits], clusters=clusters)
    assert wholes.whole == 6
    assert set(wholes.resampled.tolist()) == {0, 3, 6, 9}


def test_one_cluster_has_no_interval_however_many_utterances_it_has():
    found = rate_difference([1, 2, 0], [0, 0, 1], [4, 4, 4], clusters=[3, 3, 3])
    assert (found.value, found.low, found.high) == (2 / 12, None, None)


def simulated(speakers, of_each, rng):
    """Edits of ten words each, of speakers whose error rates differ, and the speaker of each utterance."""
    rates = np.repeat(rng.uniform(0.05, 0.55, speakers), of_each)  # 0.3 on average
    return rng.binomial(10, rates), np.repeat(np.arange(speakers), of_each)


def test_clusters_cover_the_true_rate_where_utterances_do_not():
    rng = np.random.default_rng(4)
    covered = {"utterances": 0, "clusters": 0}
    for run in range(60):
        edits, speakers = simulated(12, 20, rng)
        lengths = np.full(len(edits), 10)
        for name, clusters in (("utterances", None), ("clusters", speakers)):
            found = error_rate(edits, lengths, run, clusters)
            covered[name] += found.low <= 0.3 <= found.high
    assert covered["clusters"] >= 49  # nominally 55 of 60 for twelve clusters
    assert covered["utterances"] <= 40


def test_clusters_of_one_utterance_are_no_clusters():
    edits, lengths = [1, 0, 3, 2], [4, 5, 6, 7]
    assert error_rate(edits, lengths, clusters=[0, 1, 2, 3]) == error_rate(edits, lengths)

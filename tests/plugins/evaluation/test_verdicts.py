"""The rules of `--never-worse` on one slice: interval, margin, clusters and words."""

import pytest

from megaasr_core.base.errors import ParameterError
from megaasr_plugins.evaluation.never_worse import Rules, slice_verdict
from megaasr_plugins.evaluation.slicing import is_degraded


def figures(value, low, high, *, words=10_000, clusters=50, degraded=True):
    """Figures of a slice with a difference to the base, in points."""
    limits = {"value": value, "low": low, "high": high}
    difference = {name: None if one is None else one / 100 for name, one in limits.items()}
    rates = {"base": {"error_rate": {"value": 0.4}}, "this": {"error_rate": {"value": 0.5}, "difference": difference}}
    return {"metric": "wer", "tokens": words, "clusters": clusters, "degraded": degraded, "systems": rates}


@pytest.mark.parametrize(
    ("limits", "outcome"),
    [
        ((-2.0, -3.0, -1.0), "not worse"),
        ((0.0, -0.9, 0.99), "not worse"),
        ((0.5, 0.1, 0.9), "not worse"),  # above 0, and by less than the margin
        ((0.0, -1.0, 1.0), "cannot tell"),
        ((0.5, 0.1, 1.1), "cannot tell"),
        ((2.0, 0.0, 4.0), "cannot tell"),
        ((2.0, -0.1, 4.0), "cannot tell"),
        ((1.1, 0.1, 4.0), "worse"),
        ((2.0, 1.5, 4.0), "worse"),
        ((2.0, None, None), "cannot tell"),
    ],
)
def test_the_interval_and_the_margin_decide(limits, outcome):
    assert slice_verdict(figures(*limits), Rules(margin_points=1.0)).outcome == outcome


@pytest.mark.parametrize(
    ("size", "rules", "outcome"),
    [
        ({"words": 300}, Rules(), "not worse"),
        ({"words": 299}, Rules(), "cannot tell"),
        ({"words": 300, "degraded": False}, Rules(), "cannot tell"),
        ({"words": 600, "degraded": False}, Rules(), "not worse"),
        ({"words": 1}, Rules(min_words=1), "not worse"),
        ({"clusters": 10}, Rules(), "not worse"),
        ({"clusters": 9}, Rules(), "cannot tell"),
        ({"clusters": 9}, Rules(min_clusters=9), "not worse"),
    ],
)
def test_too_few_clusters_or_words_are_no_evidence(size, rules, outcome):
    assert slice_verdict(figures(0.0, 0.0, 0.0, **size), rules).outcome == outcome
    if outcome == "cannot tell":
        assert slice_verdict(figures(9.0, 8.0, 10.0, **size), rules).outcome == "cannot tell"


@pytest.mark.parametrize(
    ("fields", "degraded"),
    [
        ({}, False),
        ({"scenario": "clean", "category": "clean"}, False),
        ({"scenario": "noise"}, True),
        ({"subset": "sim-en-noise"}, True),
        ({"condition": "clean", "scenario": "noise"}, False),
        ({"condition": "degraded"}, True),
        ({"condition": "unlike"}, False),
    ],
)
def test_a_row_is_degraded_where_it_says_so(fields, degraded):
    assert is_degraded(fields) is degraded


def test_rules_that_are_none_are_refused_in_python_too():
    with pytest.raises(ParameterError, match="minimum of -5 words"):
        Rules(min_words=-5)

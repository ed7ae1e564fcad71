"""Ranking, calibration and threshold against plain definitions."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from megaasr_routers.audio_quality.inference import probabilities
from megaasr_routers.audio_quality.scores import (
    auc,
    choose_threshold,
    confusion,
    ece,
    fit_temperature,
    nll,
    report,
    routed_edits,
)

CHANCES = st.sampled_from([0.0, 0.1, 0.25, 0.5, 0.5000001, 0.9, 1.0])


@given(st.lists(st.tuples(CHANCES, st.integers(0, 1)), min_size=1, max_size=30))
def test_auc_is_the_share_of_pairs_in_order(rows):
    chances, labels = (np.array(column) for column in zip(*rows, strict=True))
    pairs = [(a > b) + 0.5 * (a == b) for a in chances[labels == 1] for b in chances[labels == 0]]
    if pairs:
        assert auc(chances, labels) == pytest.approx(np.mean(pairs))
    else:
        assert np.isnan(auc(chances, labels))


def edits(most=4):
    return st.integers(0, most)


@given(st.lists(st.tuples(CHANCES, edits(), edits(), st.booleans()), max_size=20))
def test_the_threshold_is_the_best_of_all_that_harm_no_clean_row(rows):
    chances, base, robust = (np.array([row[place] for row in rows], float) for place in range(3))
    clean = np.array([row[3] for row in rows], bool)
    found = choose_threshold(chances, base, robust, clean)
    possible = []
    for threshold in [*np.unique(chances), np.nextafter(1.0, 2.0)]:
        harm = routed_edits(chances[clean], base[clean], robust[clean], threshold) - base[clean].sum()
        if harm <= 0:
            possible.append((routed_edits(chances, base, robust, threshold), -np.sum(chances < threshold)))
    least, kept = min(possible)
    assert routed_edits(chances, base, robust, found) == least
    assert np.sum(chances < found) == -kept  # of equals, the one that leaves most to the base
    assert routed_edits(chances[clean], base[clean], robust[clean], found) <= base[clean].sum()


def test_the_threshold_lies_between_and_at_one_it_never_routes():
    chances, base = np.array([0.2, 0.4, 0.8, 0.9]), np.array([1.0, 5, 5, 5])
    robust = np.array([9.0, 9, 1, 1])
    nobody = np.zeros(4, bool)
    assert choose_threshold(chances, base, robust, nobody) == pytest.approx(0.6)
    assert choose_threshold(chances, base, base + 1, nobody) == 1.0
    assert choose_threshold(chances, base, base, nobody) == 1.0
    harmed = np.array([5.0, 5, 9, 1])
    assert choose_threshold(chances, base, harmed, np.array([True] * 4)) == pytest.approx(0.85)
    sure = choose_threshold(np.ones(1), np.zeros(1), np.ones(1), nobody[:1])
    assert sure > 1.0


def overconfident(rng, factor, rows=4_000):
    """Labels drawn with the probabilities that the logits give when they are divided by `factor`."""
    margin = rng.normal(0, 2, rows)
    labels = (rng.random(rows) < 1 / (1 + np.exp(-margin))).astype(np.int64)
    return np.stack([np.zeros(rows), margin * factor], axis=1), labels


@pytest.mark.parametrize("factor", [0.3, 1.0, 4.0])
def test_the_temperature_is_found_again(factor):
    logits, labels = overconfident(np.random.default_rng(0), factor)
    temperature = fit_temperature(logits, labels)
    assert temperature == pytest.approx(factor, rel=0.1)
    assert nll(logits, labels, temperature) <= nll(logits, labels)
    assert ece(probabilities(logits, temperature), labels) < 0.03
    if factor != 1.0:
        assert ece(probabilities(logits), labels) > 0.05


@given(st.lists(st.tuples(st.floats(-1e4, 1e4), st.floats(-1e4, 1e4), st.integers(0, 1)), min_size=1, max_size=20))
def test_calibration_never_raises_the_loss(rows):
    logits, labels = np.array([row[:2] for row in rows]), np.array([row[2] for row in rows])
    temperature = fit_temperature(logits, labels)
    assert 0.1 <= temperature <= 10.0
    assert nll(logits, labels, temperature) <= nll(logits, labels)
    chances = probabilities(logits, temperature)
    assert np.all((chances >= 0) & (chances <= 1))


def test_ece_by_hand():
    chances, labels = np.array([0.9, 0.9, 0.1, 0.6]), np.array([1, 0, 0, 1])
    # bin of 0.9: three rows, two right; bin of 0.6: one row, right
    assert ece(chances, labels) == pytest.approx((3 * abs(0.9 - 2 / 3) + abs(0.6 - 1)) / 4)


def test_confusion_by_hand():
    found = confusion(np.array([0.9, 0.6, 0.4, 0.1]), np.array([1, 0, 1, 0]), 0.5)
    assert found == {"accuracy": 0.5, "precision": 0.5, "recall": 0.5, "f1": 0.5}
    nothing = confusion(np.array([0.1]), np.array([0]), 0.5)
    assert nothing == {"accuracy": 1.0, "precision": 0.0, "recall": 0.0, "f1": 0.0}


def test_the_report_of_one_class_has_no_auc():
    found = report(np.array([[0.0, 1.0]]), np.array([1]), None, np.array([False]), 1.0, 0.5)
    assert found["auc"] is None
    assert found["routes"] == {"base": 0, "adapter": 1}
    assert not {"edits", "clean"} & found.keys()

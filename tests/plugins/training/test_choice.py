"""Which adapter is best, and which may not be chosen."""

from dataclasses import replace
from pathlib import Path

import pytest

from megaasr_plugins.training.selection import DevSet, Score, best_of, candidate

SETS = [DevSet(name="clean", manifest=Path("c"), most_worse=0.2), DevSet(name="noisy", manifest=Path("n"), weight=3)]
PLAIN = Score(0.1, 0.1, 1000, 100, 0, empty=0.0, repetitive=0.01, invented=0.0, deleted=0.0)
BASE = {"clean": replace(PLAIN, wer=0.05), "noisy": replace(PLAIN, wer=0.4)}


def held(name="a", clean=0.05, noisy=0.4, **rates):
    scores = {"clean": replace(PLAIN, wer=clean), "noisy": replace(PLAIN, wer=noisy, **rates)}
    return candidate(name, scores, BASE, SETS, tolerance=0.01)


def test_the_mean_is_over_relative_wer_by_weight():
    assert held(clean=0.04, noisy=0.2).relative_wer == pytest.approx((0.8 + 3 * 0.5) / 4)


def test_useless_output_rules_an_adapter_out():
    assert held(repetitive=0.02).faults == ()
    (fault,) = held(repetitive=0.01, empty=0.02).faults
    assert fault == "noisy: 3.0% of the outputs are useless, 1.0% of the base's"


def test_clean_speech_may_be_worse_by_so_many_points():
    assert held(clean=0.0519).faults == ()
    (fault,) = held(clean=0.0525).faults
    assert fault.startswith("clean: WER 5.2% is more than 0.2 points above 5.0%")


def test_the_best_is_the_lowest_without_fault():
    broken = held("broken", noisy=0.1, empty=0.2)
    good, better = held("good", noisy=0.3), held("better", noisy=0.25)
    assert best_of([broken, good, better]) is better
    assert best_of([broken]) is broken  # the report then names its faults


def test_a_base_without_errors_is_no_division_by_zero():
    one = [DevSet(name="noisy", manifest=Path("n"))]
    none = {"noisy": replace(PLAIN, wer=0.0)}
    assert candidate("a", none, none, one, 0.0).relative_wer == 1.0
    assert candidate("a", {"noisy": replace(PLAIN, wer=0.01)}, none, one, 0.0).relative_wer == pytest.approx(2.0)

"""The learning curve: nested shares of the speakers, the slope of a doubling, steps in order."""

from __future__ import annotations

import itertools
from pathlib import Path

import pytest

from megaasr import ManifestError
from recipes.tiny import hours, pack_speech
from tests.recipes.test_tiny_reproduce import check_order, steps


def voices(count: int) -> list[dict[str, object]]:
    human = [{"speaker": f"s{number}", "text_source": "published"} for number in range(count)]
    return [*human, {"speaker": "robot", "text_source": "spoken from it (synthetic)"}]


def test_a_larger_share_of_the_speakers_holds_the_smaller_ones() -> None:
    rows = voices(400)
    kept = [{str(row["speaker"]) for row in pack_speech.of_speakers(rows, share)} for share in (0.1, 0.25, 0.5, 1.0)]
    for smaller, larger in itertools.pairwise(kept):
        assert smaller < larger
    assert all("robot" in one for one in kept)
    assert len(kept[1]) == pytest.approx(100, abs=25)
    assert len(kept[-1]) == 401
    with pytest.raises(ManifestError, match="no human speaker is left"):
        pack_speech.of_speakers(rows, 0.0)


def test_a_doubling_is_the_slope_over_the_logarithm_of_the_hours() -> None:
    points = [
        {"hours": 2.0**power, "speakers": 10, "mean": 1.0 - 0.05 * power, "spread": 0.01, "families": {"a": 0.9}}
        for power in range(3)
    ]
    assert hours.doubling(points) == pytest.approx(-0.05)
    assert hours.doubling(points, "a") == pytest.approx(0.0, abs=1e-12)
    lines = hours.table(points).splitlines()
    assert lines[2] == "| 1.00 | 10 | 1.000 | 0.010 | 0.900 |"
    assert lines[-1].startswith("| each doubling |  | -0.050 |  | ")


def test_every_step_of_the_curve_reads_what_an_earlier_one_writes(tmp_path: Path) -> None:
    written = check_order(steps(tmp_path), set())
    listed = hours.steps(tmp_path)
    check_order(listed, written)
    trained = [step for step in listed if step.name.startswith("train ")]
    assert len(trained) == len(hours.SHARES)
    assert all(len(step.commands) == len(hours.SEEDS) for step in trained)

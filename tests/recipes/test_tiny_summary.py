"""The table of the part report for README and card."""

from __future__ import annotations

import pytest

from megaasr import ManifestError
from recipes.tiny import summary


def figure(value: float, width: float | None = 0.01) -> dict[str, float | None]:
    limits = (None, None) if width is None else (value - width, value + width)
    return {"value": value, "low": limits[0], "high": limits[1]}


def slices(width: float | None = 0.01) -> dict[str, object]:
    names = [*(f"family: {name} (wer)" for name in summary.FAMILIES), "condition: clean", "condition: degraded"]
    rates = {"plain": 0.2, "collapsed": 0.19, "faster_whisper": 0.18, "base": 0.17, "routed": 0.15}
    one = {
        "tokens": 1_234,
        "clusters": 9,
        "utterances": 30,
        "systems": {name: {"error_rate": figure(rate, width)} for name, rate in rates.items()},
        "against_best": {"baseline": "faster_whisper", "relative_difference": figure(-1 / 6, width)},
    }
    return {"slices": dict.fromkeys(names, one)}


def test_a_line_has_the_baselines_and_the_difference_to_the_best() -> None:
    lines = summary.table(slices()).splitlines()
    assert len(lines) == 2 + len(summary.FAMILIES) + len(summary.CONDITIONS)
    assert lines[2].endswith("| 1,234 | 9 | 20.0 | 19.0 | 18.0 | 17.0 | 15.0 [14.0, 16.0] | -16.7 [-17.7, -15.7] |")
    assert "| 15.0 | -16.7 |" in summary.table(slices(None)).splitlines()[2]


def test_a_family_that_is_missing_is_named() -> None:
    found = slices()
    del found["slices"]["family: noizeus (wer)"]  # type: ignore[attr-defined]
    with pytest.raises(ManifestError, match="no slice 'family: noizeus'"):
        summary.table(found)

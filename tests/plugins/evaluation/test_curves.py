"""Curves of error rate against severity and SNR: their points, and how they are drawn."""

import sys

import pytest

from megaasr_core.base.errors import ManifestError
from megaasr_plugins.evaluation.comparison.curve_points import curves_of
from megaasr_plugins.evaluation.comparison.curves import draw_curves
from megaasr_plugins.evaluation.comparison.systems import line_up
from tests.plugins.evaluation.test_compare import BASE, ROBUST, results, run, write
from tests.plugins.evaluation.test_slicing import rendered, row


def many(shift, count=600):
    """Rows whose errors grow with the severity; every tenth is clean."""
    rows = []
    for index in range(count):
        severity = index / (count - 1)
        edits = min(10, round(10 * max(0.0, severity - shift)) + index % 2)
        noisy = {"snr_db": 20 - 30 * severity} if index % 3 == 0 else {}
        rows.append(rendered(f"{index}.wav", "noise", edits=edits, length=10, severity=severity, **noisy))
        if index % 10 == 0:
            rows[-1].update(scenario="clean", effects=[], severity=0.0)
            rows[-1].pop("snr_db", None)
    return rows


def test_points_hold_every_utterance_once_and_have_their_mean_place():
    severity, snr = curves_of(line_up(many(0.0), {"robust": many(0.3)}))
    assert (severity.axis, snr.axis) == ("severity", "snr_db")
    assert sum(point.utterances for point in severity.points) == 600
    assert severity.points[0].x is None  # the clean ones
    assert (severity.points[0].utterances, severity.points[0].tokens) == (60, 600)
    tenths = [0.05 + index / 10 for index in range(10)]
    assert [point.x for point in severity.points[1:]] == pytest.approx(tenths, abs=0.01)
    assert sum(point.utterances for point in snr.points) == sum("snr_db" in one for one in many(0.0))
    last = severity.points[-1]
    assert last.rates["robust"].high < last.rates["base"].low


def test_few_values_are_points_of_their_own():
    rows = [row(f"{index}.wav", index % 3, 8, snr_db=(0, 5, 10)[index % 3]) for index in range(9)]
    (curves,) = curves_of(line_up(rows, {}))
    assert [(point.x, point.tokens, point.rates["base"].value) for point in curves.points] == [
        (0.0, 24, 0.0),
        (5.0, 24, 1 / 8),
        (10.0, 24, 2 / 8),
    ]


def test_a_bin_of_few_is_joined_to_its_neighbour():
    rows = [rendered(f"{index}.wav", "noise", severity=0.3 + 0.01 * index) for index in range(60)]
    rows += [rendered(f"edge {index}.wav", "noise", severity=0.99) for index in range(3)]
    severity = curves_of(line_up(rows, {}))[0]
    assert min(point.utterances for point in severity.points) >= 10
    assert sum(point.utterances for point in severity.points) == 63


def test_the_curves_are_drawn_alike_each_time(tmp_path):
    pytest.importorskip("matplotlib")
    lineup = line_up(many(0.0), {"robust": many(0.3), "routed": many(0.2)}, "robust")
    picture = draw_curves(curves_of(lineup))
    assert picture.startswith(b"\x89PNG")
    assert picture == draw_curves(curves_of(lineup))
    for name, shift in (("base", 0.0), ("robust", 0.3)):
        write(tmp_path / f"{name}.jsonl", many(shift))
    result = run(tmp_path, "base.jsonl", "robust=robust.jsonl", "--curves", "c.png")
    assert result.returncode == 0, result.stderr
    assert (tmp_path / "c.png").read_bytes().startswith(b"\x89PNG")


def test_curves_without_an_axis_or_without_matplotlib_are_refused_before_the_work(tmp_path, monkeypatch):
    pytest.importorskip("matplotlib")
    with pytest.raises(ManifestError, match="neither two bins of 'severity' nor two of 'snr_db'"):
        draw_curves(curves_of(line_up([row("a"), row("b")], {})))
    for name, edits in (("base", BASE), ("robust", ROBUST)):
        write(tmp_path / f"{name}.jsonl", results(edits))
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    options = ["base.jsonl", "robust=robust.jsonl", "--curves", "c.png", "--summary", "s.json"]
    result = run(tmp_path, *options)
    assert result.returncode == 2
    assert result.stderr == "megaasr: error: --curves needs matplotlib; run: pip install 'megaasr[plot]'\n"
    assert not (tmp_path / "s.json").exists()

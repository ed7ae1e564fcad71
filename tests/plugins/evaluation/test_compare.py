import json
import sys

import pytest

from megaasr_core.base.errors import ManifestError, ParameterError, UnknownNameError
from megaasr_plugins.evaluation.comparison.curve_points import curves_of
from megaasr_plugins.evaluation.comparison.curves import draw_curves
from megaasr_plugins.evaluation.comparison.systems import compare_systems, line_up
from megaasr_plugins.evaluation.summary import compare
from tests.command_line import megaasr
from tests.plugins.evaluation.test_slicing import rendered, row

# of ten words each: edits of the base, of the adapter always on, and of the routed system
BASE, ROBUST, ROUTED = (4, 6, 3, 2), (2, 2, 3, 5), (2, 2, 3, 2)


def results(edits, adapter=None, **fields):
    rows = [
        rendered("a.wav", "noise", edits=edits[0], severity=0.2, snr_db=10.0),
        rendered("b.wav", "noise", "voip", edits=edits[1], severity=0.9, snr_db=0.0),
        rendered("c.wav", "voip", edits=edits[2], severity=0.9),
        row("d.wav", edits[3], scenario="clean", effects=[], severity=0.0),
    ]
    return [{**one, "ref_len": 10, "adapter": adapter, **fields} for one in rows]


@pytest.fixture
def folder(tmp_path):
    for name, rows in (
        ("base", results(BASE)),
        ("robust", results(ROBUST, "x", flags=["repetitive"])),
        ("routed", results(ROUTED)),
    ):
        write(tmp_path / f"{name}.jsonl", rows)
    return tmp_path


def write(path, rows):
    path.write_text("".join(json.dumps(one) + "\n" for one in rows))


def run(folder, *options):
    return megaasr("compare", *options, cwd=folder)


def test_each_system_is_paired_with_the_base_on_every_slice(folder):
    systems = ["base.jsonl", "robust=robust.jsonl", "routed=routed.jsonl"]
    result = run(folder, *systems, "--oracle", "robust", "--by", "effect", "--summary", "s.json", "--json")
    assert result.returncode == 0, result.stderr
    found = json.loads(result.stdout)
    assert found == json.loads((folder / "s.json").read_text())
    assert (found["utterances"], found["failed_in_any"]) == (4, 0)
    assert list(found["slices"]) == [
        "all (wer)",
        "unknown / unknown / en",
        "clean",
        "effect: noise",
        "effect: voip",
    ]
    whole = found["slices"]["all (wer)"]["systems"]
    assert {name: one["error_rate"]["value"] for name, one in whole.items()} == {
        "base": 15 / 40,
        "robust": 12 / 40,
        "routed": 9 / 40,
        "oracle": 9 / 40,
    }
    assert whole["base"]["difference"] is None
    noise = found["slices"]["effect: noise"]
    assert (noise["utterances"], noise["tokens"], noise["metric"]) == (2, 20, "wer")
    robust = noise["systems"]["robust"]
    assert robust["difference"] == pytest.approx({"value": -0.3, "low": -0.4, "high": -0.2})
    assert robust["relative_difference"] == pytest.approx({"value": -0.6, "low": -2 / 3, "high": -0.5})
    assert (robust["adapter_rate"], robust["repetitive_rate"], robust["runaways"]) == (1.0, 1.0, 0)
    assert found["slices"]["clean"]["systems"]["robust"]["difference"] == {"value": 0.3, "low": None, "high": None}


def test_the_oracle_takes_the_base_where_both_are_equal():
    lineup = line_up(results(BASE), {"robust": results(ROBUST, "x")}, "robust")
    assert [one["adapter"] for one in lineup.systems["oracle"]] == ["x", "x", None, None]
    assert [one["num_edits"] for one in lineup.systems["oracle"]] == [2, 2, 3, 2]
    found = compare_systems(lineup)["slices"]["all (wer)"]["systems"]["oracle"]
    assert found["adapter_rate"] == 0.5


def test_a_pair_of_systems_has_the_figures_of_eval_compare():
    base, robust = results(BASE), results(ROBUST)
    one = compare_systems(line_up(base, {"robust": robust}), by=["severity"])["slices"]
    other = compare(robust, base, by=["severity"])["slices"]
    assert list(one) == list(other)
    for name in one:
        for figure in ("difference", "relative_difference"):
            assert one[name]["systems"]["robust"][figure] == other[name][figure]


def test_rows_are_paired_by_utterance_and_not_by_place():
    backwards = results(ROBUST)[::-1]
    one = compare_systems(line_up(results(BASE), {"x": backwards}), by=["effect"])["slices"]["effect: noise"]
    assert one["systems"]["x"]["difference"]["value"] == pytest.approx(-0.3)


def test_what_a_system_failed_on_is_left_out_for_all():
    failed = [{"audio": "b.wav", "error": "gone"}]
    rows = results(ROBUST)
    lineup = line_up(results(BASE), {"x": [rows[0], *failed, *rows[2:]], "y": results(ROUTED)})
    assert {name: len(own) for name, own in lineup.systems.items()} == {"base": 3, "x": 3, "y": 3}
    assert compare_systems(lineup)["failed_in_any"] == 1


def test_systems_that_cannot_be_compared_are_refused():
    base, other = results(BASE), results(ROBUST)
    with pytest.raises(ManifestError, match=r"y and the base differ in 1 utterances, such as d\.wav"):
        line_up(base, {"x": other, "y": other[:3]})
    with pytest.raises(ManifestError, match=r"d.wav: scored against references of different length"):
        line_up(base, {"x": [*other[:3], {**other[3], "ref_len": 9}]})
    with pytest.raises(ManifestError, match=r"d.wav: scored by cer and by wer"):
        line_up(base, {"x": [*other[:3], {**other[3], "metric": "cer"}]})
    with pytest.raises(ParameterError, match="name 'base' is reserved for the first file"):
        line_up(base, {"base": other})
    with pytest.raises(ParameterError, match="name 'oracle'"):
        line_up(base, {"oracle": other}, "oracle")
    with pytest.raises(UnknownNameError, match="unknown system 'robst': did you mean 'robust'"):
        line_up(base, {"robust": other}, "robst")


def test_the_report_has_rates_differences_and_how_they_fail(folder):
    result = run(folder, "base.jsonl", "robust=robust.jsonl", "--by", "effect", "--report", "r.md")
    assert result.returncode == 0, result.stderr
    text = (folder / "r.md").read_text()
    assert text == result.stdout
    lines = [[cell.strip() for cell in line.strip("|").split("|")] for line in text.splitlines()]
    noise = [line for line in lines if line[0] == "effect: noise"]
    assert noise[0] == ["effect: noise", "2", "20", "50.00 [40.00, 60.00]", "20.00 [20.00, 20.00]"]
    assert noise[1] == ["effect: noise", "robust", "-30.00 [-40.00, -20.00]", "-60.0 [-66.7, -50.0]"]
    assert noise[3] == [*noise[1][:2], "20.00", "20.00", "0", "0.00", "100.00", "0.00", "0.00", "0.00", "100.00"]
    assert "## How they fail" in text


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        (["robust.jsonl"], "'robust.jsonl': NAME=FILE.jsonl is expected"),
        (["=robust.jsonl"], "NAME=FILE.jsonl is expected"),
        (["x=robust.jsonl", "x=routed.jsonl"], "two systems are called 'x'"),
        (["x=nowhere.jsonl"], "nowhere.jsonl"),
        (["x=robust.jsonl", "--oracle", "y"], "unknown system 'y'"),
        (["x=robust.jsonl", "--by", "room"], "unknown field 'room'"),
        (["x=robust.jsonl", "--report", "robust.jsonl"], "it is the input"),
        ([], "Missing argument"),
    ],
)
def test_what_cannot_be_compared_is_one_line(folder, options, reason):
    result = run(folder, "base.jsonl", *options)
    assert result.returncode == 2
    assert reason in result.stderr
    assert result.stderr.count("\n") == 1


def test_help_has_an_example():
    result = run(None, "--help")
    assert result.returncode == 0
    assert "Example: megaasr compare" in result.stdout


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


def test_the_curves_are_drawn_alike_each_time(folder):
    pytest.importorskip("matplotlib")
    lineup = line_up(many(0.0), {"robust": many(0.3), "routed": many(0.2)}, "robust")
    picture = draw_curves(curves_of(lineup))
    assert picture.startswith(b"\x89PNG")
    assert picture == draw_curves(curves_of(lineup))
    for name, shift in (("base", 0.0), ("robust", 0.3)):
        write(folder / f"{name}.jsonl", many(shift))
    result = run(folder, "base.jsonl", "robust=robust.jsonl", "--curves", "c.png")
    assert result.returncode == 0, result.stderr
    assert (folder / "c.png").read_bytes().startswith(b"\x89PNG")


def test_curves_without_an_axis_or_without_matplotlib_are_refused_before_the_work(folder, monkeypatch):
    pytest.importorskip("matplotlib")
    with pytest.raises(ManifestError, match="neither two bins of 'severity' nor two of 'snr_db'"):
        draw_curves(curves_of(line_up([row("a"), row("b")], {})))
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    options = ["base.jsonl", "robust=robust.jsonl", "--curves", "c.png", "--summary", "s.json"]
    result = run(folder, *options)
    assert result.returncode == 2
    assert result.stderr == "megaasr: error: --curves needs matplotlib; run: pip install 'megaasr[plot]'\n"
    assert not (folder / "s.json").exists()

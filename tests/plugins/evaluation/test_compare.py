import json

import pytest

from megaasr_core.base.errors import ManifestError, ParameterError, UnknownNameError
from megaasr_plugins.evaluation.comparison.systems import compare, compare_systems, line_up
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
        assert one[name]["systems"]["robust"] == other[name]["systems"]["this"]
        assert one[name]["systems"]["base"] == other[name]["systems"]["base"]


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
    size, none = ["2", "20", "2"], ["0 (0.0)"] * 5
    assert noise[0] == ["effect: noise", "base", *size, *["50.00 [40.00, 60.00]"] * 2, "10 (50.0)", *none]
    assert noise[1] == ["effect: noise", "robust", *size, *["20.00 [20.00, 20.00]"] * 2, "4 (20.0)", *none]
    difference = ["-30.00 [-40.00, -20.00]"] * 2
    kinds = ["-30.00", "+0.00", "+0.00", "+0", "+0", "+0"]
    assert noise[2] == ["effect: noise", "robust", *difference, "-60.0 [-66.7, -50.0]", *kinds]
    assert noise[4] == ["effect: noise", "robust", "0.00", "100.00", "0.00", "100.00"]
    assert "bootstrap over 4 clusters by row" in text


def test_kinds_of_errors_and_failures_are_counted_and_shown(folder):
    fields = {"substitutions": 0, "insertions": 0, "deletions": 0, "flags": []}
    rows = [{**row(f"{name}.wav", 0, 4), **fields} for name in "abcd"]
    base = [dict(one) for one in rows]
    rows[0].update(num_edits=3, deletions=3)  # three of four words are missing
    rows[1].update(num_edits=9, insertions=6, substitutions=3)  # more errors than words
    for one in (rows[2], base[2]):
        one.update(flags=["invented"], ref_len=0, num_edits=2, insertions=2)
    figures = compare(rows, base)["slices"]["all (wer)"]["systems"]["this"]
    assert [figures[name] for name in ("deleted", "runaways", "invented")] == [1, 2, 1]
    assert [figures[name] for name in ("substitutions", "deletions", "insertions")] == [3, 3, 8]
    assert figures["capped_error_rate"]["value"] == (3 + 4 + 1) / 12
    assert figures["capped_error_rate"]["low"] < figures["capped_error_rate"]["value"]
    for name, found in (("base", base), ("robust", rows)):
        write(folder / f"{name}.jsonl", found)
    rates, differences = tables(run(folder, "base.jsonl", "robust=robust.jsonl").stdout)[:2]
    robust = next(line for line in rates if line["slice"] == "all (wer)" and line["system"] == "robust")
    assert [robust[name] for name in ("S (%)", "D (%)", "I (%)")] == ["3 (25.0)", "3 (25.0)", "8 (66.7)"]
    assert [robust[f"{name} (%)"] for name in FAILURES] == ["1 (25.0)", "2 (50.0)", "1 (25.0)"]
    robust = next(line for line in differences if line["slice"] == "all (wer)")
    assert [robust[f"{name}, points"] for name in "SDI"] == ["+25.00", "+25.00", "+50.00"]
    assert [robust[name] for name in FAILURES] == ["+1", "+1", "+0"]


def tables(text):
    """The tables of a report, each a list of rows by the names of the columns."""
    found, head = [], None
    for line in text.splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if not line.startswith("|"):
            head = None
        elif head is None:
            head = cells
            found.append([])
        elif not set(line) <= set("|-: "):
            found[-1].append(dict(zip(head, cells, strict=True)))
    return found


FAILURES = ("deleted", "runaways", "invented")


def test_slices_of_a_pair_are_those_of_the_new_system():
    base, robust = results(BASE), results(ROBUST, "x")
    robust[0]["adapter"] = None
    found = compare(robust, base, by=["adapter"])["slices"]
    assert (found["adapter: x"]["utterances"], found["adapter: none"]["utterances"]) == (3, 1)


def test_a_capped_difference_has_an_interval_of_its_own():
    base = [row(f"{index}.wav", 400 if index < 2 else 1, 10) for index in range(20)]
    ours = [row(f"{index}.wav", 1, 10) for index in range(20)]
    found = compare(ours, base)["slices"]["all (wer)"]["systems"]["this"]
    assert found["difference"]["value"] == -2 * 399 / 200
    assert found["capped_difference"]["value"] == pytest.approx(-2 * 9 / 200)
    assert found["capped_difference"]["low"] > found["difference"]["low"]


def test_ours_is_compared_with_the_best_other_system_of_each_slice(folder):
    systems = ["base.jsonl", "robust=robust.jsonl", "routed=routed.jsonl", "--oracle", "robust", "--by", "effect"]
    result = run(folder, *systems, "--ours", "routed", "--report", "r.md", "--json")
    assert result.returncode == 0, result.stderr
    found = json.loads(result.stdout)["slices"]
    best = {name: one["against_best"] for name, one in found.items()}
    assert best["clean"]["baseline"] == "base"  # the oracle has as few edits, and is no system
    assert best["all (wer)"]["baseline"] == "robust"
    assert best["all (wer)"]["difference"]["value"] == pytest.approx((9 - 12) / 40)
    assert best["all (wer)"]["relative_difference"]["value"] == pytest.approx(-0.25)
    text = (folder / "r.md").read_text()
    assert "## routed against the best baseline" in text
    assert "its error rate is too low" in text
    lines = [[cell.strip() for cell in line.strip("|").split("|")] for line in text.splitlines()]
    assert ["clean", "base", *["20.00 [-]"] * 2, *["+0.00 [-]"] * 2, "+0.0 [-]"] in lines


def test_ours_is_compared_with_the_named_baselines_alone(folder):
    systems = ["base.jsonl", "robust=robust.jsonl", "routed=routed.jsonl", "--ours", "routed"]
    result = run(folder, *systems, "--baseline", "base", "--json")
    assert result.returncode == 0, result.stderr
    found = json.loads(result.stdout)["slices"]["all (wer)"]
    rates = {name: one["error_rate"]["value"] for name, one in found["systems"].items()}
    assert rates["robust"] < rates["base"]
    assert found["against_best"]["baseline"] == "base"
    assert found["against_best"]["difference"] == found["systems"]["routed"]["difference"]


def test_one_resample_of_the_difference_to_the_best_baseline_is_paired():
    edits = (5, 4, 0, 3, 7, 2, 1, 6, 9, 3)
    base = [row(f"{index}.wav", count, 10) for index, count in enumerate(edits)]
    ours = [row(f"{index}.wav", max(count - 1, 0), 10) for index, count in enumerate(edits)]
    lineup = line_up(base, {"ours": ours, "bad": [{**one, "num_edits": 10} for one in base]})
    found = compare_systems(lineup, ours="ours")["slices"]["all (wer)"]
    assert found["against_best"]["baseline"] == "base"
    assert found["against_best"]["difference"] == found["systems"]["ours"]["difference"]
    assert found["against_best"]["difference"]["high"] < 0.0


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        (["robust.jsonl"], "'robust.jsonl': NAME=FILE.jsonl is expected"),
        (["=robust.jsonl"], "NAME=FILE.jsonl is expected"),
        (["x=robust.jsonl", "x=routed.jsonl"], "two systems are called 'x'"),
        (["x=nowhere.jsonl"], "nowhere.jsonl"),
        (["x=robust.jsonl", "--oracle", "y"], "unknown system 'y'"),
        (["x=robust.jsonl", "--by", "room"], "unknown field 'room'"),
        (["x=robust.jsonl", "--cluster", "speakr"], "unknown field 'speakr': did you mean 'speaker'"),
        (["x=robust.jsonl", "--cluster", "speaker"], "a.wav has no 'speaker' (4 rows lack it)"),
        (["x=robust.jsonl", "--ours", "y"], "unknown system 'y'"),
        (["x=robust.jsonl", "--ours", "base"], "unknown system 'base'"),
        (["x=robust.jsonl", "--baseline", "base"], "--baseline needs --ours NAME"),
        (["x=robust.jsonl", "--ours", "x", "--baseline", "y"], "unknown baseline 'y'"),
        (["x=robust.jsonl", "--ours", "x", "--baseline", "x"], "unknown baseline 'x'"),
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

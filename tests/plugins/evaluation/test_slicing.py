import pytest

from megaasr_core.base.errors import ManifestError, ParameterError, UnknownNameError
from megaasr_plugins.evaluation.comparison.systems import compare
from megaasr_plugins.evaluation.slicing import check_fields, is_clean, slices
from megaasr_plugins.evaluation.summary import summarise


def row(name, edits=1, length=4, **fields):
    parts = {"substitutions": edits, "insertions": 0, "deletions": 0, "flags": [], "adapter": None, "language": "en"}
    return {"audio": name, "metric": "wer", "num_edits": edits, "ref_len": length, **parts, **fields}


def rendered(name, *effects, severity=0.5, **fields):
    """A row as `megaasr corpus render` writes it."""
    return row(name, scenario="+".join(effects), effects=list(effects), severity=severity, **fields)


ROWS = [
    rendered("a", "noise", severity=0.0, snr_db=5),
    rendered("b", "noise", "far_field", severity=1 / 3, snr_db=-2.5),
    rendered("c", "far_field", "noise", "dropout", severity=0.66, snr_db=15),
    rendered("d", "noise", "far_field", "recording", "dropout", severity=2 / 3, snr_db=5.0),
    rendered("e", "noise", "far_field", "recording", "dropout", "distortion", severity=1.0, snr_db=None),
    rendered("f", "noise", "far_field", "recording", "dropout", "distortion", "voip", severity=0.33),
    row("g", scenario="clean", effects=[], severity=0.0),
    row("h"),
]


def names(found):
    return {name: "".join(one["audio"] for one in own) for name, own in found.items()}


def by(*fields, rows=ROWS):
    return dict(list(names(slices(rows, fields)).items())[2:])  # after those that are always there


def test_what_is_always_there_stays_as_it_is():
    assert names(slices(ROWS)) == {"all (wer)": "abcdefgh", "unknown / unknown / en": "abcdefgh"}


def test_a_recording_counts_in_each_of_its_effects():
    assert by("effect") == {
        "clean": "gh",
        "effect: distortion": "ef",
        "effect: dropout": "cdef",
        "effect: far_field": "bcdef",
        "effect: noise": "abcdef",
        "effect: recording": "def",
        "effect: voip": "f",
    }


def test_numbers_of_effects_make_the_groups_of_the_benchmark():
    assert by("effects") == {
        "clean": "gh",
        "effects: 1": "a",
        "effects: 2-3": "bc",
        "effects: 4-5": "de",
        "effects: 6+": "f",
    }
    assert list(by("effects", rows=ROWS[::-1])) == list(by("effects"))


def test_severity_is_cut_into_thirds():
    assert by("severity") == {"clean": "gh", "severity: low": "af", "severity: middle": "bc", "severity: high": "de"}


def test_any_other_field_is_taken_as_it_is_and_numbers_stand_by_size():
    assert by("snr_db") == {"snr_db: -2.5": "b", "snr_db: 5": "ad", "snr_db: 15": "c", "snr_db: none": "efgh"}
    flagged = [row("a", flags=["b", "a"]), row("b", flags=[]), row("c", flags=["a"]), row("d", flags="x\ny")]
    assert by("flags", rows=flagged) == {"flags: a": "ac", "flags: b": "a", "flags: x y": "d", "flags: none": "b"}


def test_fields_of_the_subset_are_fields():
    rows = [row("a", subset="sim-en-noise"), row("b", subset="real-en-echo"), row("c", category="echo")]
    assert names(slices(rows, ["category"]))["category: echo"] == "bc"
    assert names(slices(rows, ["source"]))["source: sim"] == "a"


def test_several_fields_follow_each_other_and_clean_comes_once():
    found = list(by("severity", "effects"))
    assert found == ["clean", *(f"severity: {third}" for third in ("low", "middle", "high")), *list(by("effects"))[1:]]


def test_words_and_characters_are_not_averaged_with_each_other():
    rows = [rendered("a", "noise"), {**rendered("b", "noise"), "metric": "cer", "language": "zh"}, row("c")]
    found = names(slices(rows, ["effect"]))
    assert found["effect: noise (wer)"] == "a"
    assert found["effect: noise (cer)"] == "b"
    assert found["clean (wer)"] == "c"


def test_the_effects_are_the_rows_own_else_those_in_the_name_of_the_scenario():
    rows = [row("a", scenario="far_field+noise"), row("b", scenario="own", effects=["echo"])]
    assert set(by("effect", rows=rows)) == {"effect: far_field", "effect: noise", "effect: echo"}


@pytest.mark.parametrize(
    ("fields", "clean"),
    [
        ({}, True),
        ({"scenario": None}, True),
        ({"scenario": "clean"}, True),
        ({"scenario": "own", "effects": []}, True),
        ({"scenario": "noise"}, False),
        ({"scenario": "own", "effects": ["noise"]}, False),
    ],
)
def test_clean_is_what_nothing_was_done_to(fields, clean):
    assert is_clean(fields) is clean


def test_fields_that_make_no_slices_are_refused():
    with pytest.raises(UnknownNameError, match="unknown field 'snr': did you mean 'snr_db'"):
        slices(ROWS, ["snr"])
    with pytest.raises(ManifestError, match="--by effect: no row has a scenario"):
        slices([row("a")], ["effect"])
    with pytest.raises(ParameterError, match="--by num: 101 different values; at most 100"):
        slices([row(str(index), num=index) for index in range(101)], ["num"])
    for severity in (1.5, None, "high", True):
        with pytest.raises(ManifestError, match="a: severity"):
            slices([rendered("a", "noise", severity=severity)], ["severity"])


def test_fields_are_known_before_the_work():
    manifest = [{"audio": "a.wav", "answer": "x", "room": "hall"}]
    check_fields(manifest, ["room", "route", "category"], {"route"})
    with pytest.raises(UnknownNameError):
        check_fields(manifest, ["route"])


def test_summary_and_comparison_have_the_slices():
    base = [{**one, "num_edits": 2} for one in ROWS]
    for found in (summarise(ROWS, by=["effect"]), compare(ROWS, base, by=["effect"])):
        assert found["slices"]["effect: dropout"]["utterances"] == 4
        assert "effect: dropout" not in summarise(ROWS)["slices"]
    one = compare(ROWS, base, by=["effect"])["slices"]["effect: dropout"]
    this, due = one["systems"]["this"], one["systems"]["base"]
    assert (this["error_rate"]["value"], due["error_rate"]["value"]) == (0.25, 0.5)
    assert this["difference"]["value"] == -0.25


def test_deleted_is_where_more_than_half_of_the_words_are():
    rows = [row(str(gone), deletions=gone, num_edits=gone) for gone in (0, 2, 3, 4)]
    assert summarise([*rows, row("none", 0, 0)])["slices"]["all (wer)"]["deleted_rate"] == 2 / 5

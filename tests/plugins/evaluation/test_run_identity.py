"""An evaluation is what made it: a resumed run mixes nothing, and a report of finished rows names their run."""

import json

import pytest

from tests.command_line import megaasr, refused
from tests.plugins.parrot_runs import (
    BACKEND,
    CHANGES,
    COUNT,
    ROUTED,
    check_is_not_mixed,
    interrupted,
    make,
    overwrite,
    rows_of,
    write_clips,
)

EVAL = ("eval", "m.jsonl", "out.jsonl", *BACKEND, *ROUTED)
RECORD = "out.jsonl.run.json"
COMPOSED = "terms: [{name: wer_accuracy, weight: %s}]\n"


@pytest.fixture
def folder(tmp_path):
    return make(tmp_path)


@pytest.fixture
def finished(folder):
    done = megaasr(*EVAL, "--summary", "first.json", cwd=folder)
    assert done.returncode == 0, done.stderr
    return folder


def reuse(folder, *options):
    return megaasr("eval", "m.jsonl", "out.jsonl", "--reuse", "--json", *options, cwd=folder)


def test_an_interrupted_run_goes_on(folder):
    interrupted(folder, *EVAL)
    again = megaasr(*EVAL, cwd=folder)
    assert f"2 of {COUNT} rows are done already" in again.stderr
    assert "begun anew" not in again.stderr
    assert sorted(path.name for path in folder.glob("out*")) == ["out.jsonl", RECORD]


@pytest.mark.parametrize("said", CHANGES)
def test_an_interrupted_run_is_not_mixed_with_another(folder, monkeypatch, said):
    check_is_not_mixed(folder, monkeypatch, said, EVAL, "prediction")


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda folder: overwrite(folder / "m.jsonl", "some words", "more words"), "the manifest differs"),
        (lambda folder: (folder / "r.yaml").write_text(COMPOSED % 2), "the rewards (composition) differ"),
    ],
)
def test_changed_labels_and_rewards_begin_anew(folder, change, said):
    (folder / "r.yaml").write_text(COMPOSED % 1)
    interrupted(folder, *EVAL, "--compose", "r.yaml")
    change(folder)
    again = megaasr(*EVAL, "--compose", "r.yaml", cwd=folder)
    assert again.returncode == 0, again.stderr
    assert f"begun anew: {said}" in again.stderr
    assert len(rows_of(folder / "out.jsonl")) == COUNT


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--batch-size", 2), "the options (batch_size) differ"),
        (("--language", "English"), "the options (language) differ"),
        (("--decode", "num_beams=2"), "the decoding (num_beams) differs"),
    ],
)
def test_other_options_are_named(folder, options, said):
    interrupted(folder, *EVAL)
    assert f"begun anew: {said}" in megaasr(*EVAL, *options, cwd=folder).stderr


def test_the_same_contents_in_another_place_are_the_same_run(folder):
    interrupted(folder, *EVAL)
    for name in ("model", "adapter", "router.txt", "parrot.py"):
        (folder / name).rename(folder / f"moved-{name}" if name != "parrot.py" else folder / "model-b-parrot.py")
    (folder / "elsewhere").mkdir()
    (folder / "model-b-parrot.py").rename(folder / "elsewhere" / "parrot.py")
    moved = ["--adapter", "moved-adapter", "--router", "told", "--router-set", "weights=moved-router.txt"]
    backend = ["--plugin", "elsewhere/parrot.py", "--backend", "parrot", "--backend-set", "model=moved-model"]
    again = megaasr("eval", "m.jsonl", "out.jsonl", *backend, *moved, "--batch-size", 1, cwd=folder)
    assert again.returncode == 0, again.stderr
    assert f"2 of {COUNT} rows are done already" in again.stderr


def test_a_partial_file_of_an_earlier_version_begins_anew(folder):
    interrupted(folder, *EVAL)
    first, *rows = (folder / "out.jsonl.partial").read_text().splitlines(keepends=True)
    assert json.loads(first)["identity"]["adapter"]
    (folder / "out.jsonl.partial").write_text("".join(['{"fingerprint": "0123456789abcdef"}\n', *rows]))
    assert "begun anew: settings or recordings differ" in megaasr(*EVAL, cwd=folder).stderr


def test_the_report_of_finished_rows_names_the_run_that_made_them(finished):
    first = json.loads((finished / "first.json").read_text())
    assert first["settings"]["adapter"] == "adapter"
    assert first["settings"]["router_set"] == ["weights=router.txt"]
    assert first["run"]["adapter"] == json.loads((finished / RECORD).read_text())["identity"]["adapter"]
    again = json.loads(reuse(finished, "--by", "language").stdout)
    assert again["settings"] == {**first["settings"], "by": "language"}
    assert (again["run"], again["hardware"]) == (first["run"], first["hardware"])
    text = megaasr("eval", "m.jsonl", "out.jsonl", "--reuse", cwd=finished).stdout
    assert f"- run: {first['run']['id']} (megaasr " in text
    assert "router told" in text


@pytest.mark.parametrize("said", [said for said in CHANGES if "code" not in said])
def test_what_is_named_and_has_not_made_the_rows_is_refused(finished, monkeypatch, said):
    named = [*BACKEND, "--backend-set", "model=model", *ROUTED]
    assert reuse(finished, *named).returncode == 0
    CHANGES[said](finished, monkeypatch)
    line = refused("eval", "m.jsonl", "out.jsonl", "--reuse", *named, cwd=finished)
    assert line == (
        f"megaasr: error: out.jsonl: was made by another run than this call names: {said}; "
        "name what made it, or evaluate without --reuse"
    )
    assert reuse(finished).returncode == 0  # nothing is named


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--batch-size", 8), "the options (batch_size) differ"),
        (("--convert",), "the options (convert) differ"),
        (("--language", "de"), "the options (language) differ"),
        (("--plugin", "parrot.py", "--decode", "num_beams=2"), "the decoding (num_beams) differs"),
        (("--plugin", "parrot.py", "--backend-set", "stop_at=1"), "the backend (stop_at) differs"),
        (("--router", "always_base"), "the router (adapter, name, weights) differs"),
        (("--plugin", "parrot.py", "--router-set", "adapter=other"), "the router (adapter) differs"),
        (("--adapter", "model"), "the adapter differs"),
    ],
)
def test_each_option_is_held_against_the_run(finished, options, said):
    assert f"than this call names: {said};" in refused(
        "eval", "m.jsonl", "out.jsonl", "--reuse", *options, cwd=finished
    )


def test_options_that_agree_are_taken_alone(finished):
    for options in (
        ("--batch-size", 1),
        ("--adapter", "adapter"),
        ("--plugin", "parrot.py", "--backend", "parrot"),
        ("--plugin", "parrot.py", "--backend-set", "stop_at=3002"),
        ("--plugin", "parrot.py", "--router-set", "weights=router.txt"),
        ("--plugin", "parrot.py", "--decode", "num_beams=1"),
    ):
        done = reuse(finished, *options)
        assert done.returncode == 0, (options, done.stderr)


def test_another_manifest_is_refused_and_changed_recordings_are_told(finished):
    overwrite(finished / "m.jsonl", "some words", "more words")
    assert "than this call names: the manifest differs" in reuse(finished).stderr
    overwrite(finished / "m.jsonl", "more words", "some words")
    assert reuse(finished).stderr == ""
    (finished / "0.wav").unlink()
    done = reuse(finished)
    assert (done.returncode, done.stderr) == (
        0,
        "megaasr: note: out.jsonl: sizes or times of the recordings are not those of the run that made its rows\n",
    )


def test_rows_without_a_record_name_no_run(finished):
    (finished / RECORD).unlink()
    found = json.loads(reuse(finished).stdout)
    assert (found["run"], found["hardware"]) == (None, None)
    assert found["settings"] == {"manifest": "m.jsonl", "compare": None, "compose": None, "by": None}
    assert "- run: not recorded" in megaasr("eval", "m.jsonl", "out.jsonl", "--reuse", cwd=finished).stdout
    line = refused("eval", "m.jsonl", "out.jsonl", "--reuse", "--adapter", "adapter", cwd=finished)
    assert "which run made its rows is not recorded in out.jsonl.run.json, so that --adapter cannot be checked" in line
    rows = rows_of(finished / "m.jsonl")
    (finished / "other.jsonl").write_text(json.dumps(rows[0]) + "\n")
    line = refused("eval", "other.jsonl", "out.jsonl", "--reuse", cwd=finished)
    assert "out.jsonl: holds 1.wav, which is not in the manifest; name the manifest of its rows" in line


def test_a_record_is_of_the_rows_that_were_written(finished):
    rows = (finished / "out.jsonl").read_text().splitlines(keepends=True)
    (finished / "out.jsonl").write_text("".join(rows[:2]))
    assert json.loads(reuse(finished).stdout)["run"] is None
    (finished / "out.jsonl").write_text("".join(rows))
    assert json.loads(reuse(finished).stdout)["run"]


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("{}", "is no record of a run of schema 1; remove it"),
        ("[]", "a JSON object is expected; remove it"),
        ("{", "not JSON"),
    ],
)
def test_a_damaged_record_is_one_line(finished, content, said):
    (finished / RECORD).write_text(content)
    assert said in refused("eval", "m.jsonl", "out.jsonl", "--reuse", cwd=finished)


def test_a_record_of_something_else_is_one_line(finished):
    record = json.loads((finished / RECORD).read_text())
    del record["identity"]["router"]
    (finished / RECORD).write_text(json.dumps(record))
    line = refused("eval", "m.jsonl", "out.jsonl", "--reuse", cwd=finished)
    assert "out.jsonl.run.json: is no record of an evaluation: router" in line


def test_rewards_that_are_added_later_are_recorded(finished):
    (finished / "r.yaml").write_text(COMPOSED % 1)
    before = json.loads((finished / RECORD).read_text())["identity"]
    added = json.loads(reuse(finished, "--compose", "r.yaml").stdout)
    assert added["settings"]["compose"] == "r.yaml"
    after = json.loads((finished / RECORD).read_text())["identity"]
    assert after.pop("rewards")["composition"]
    assert after == before
    assert json.loads(reuse(finished).stdout)["run"]["id"] == added["run"]["id"]  # the record is of the new rows


def test_the_record_is_no_other_output(folder):
    line = refused(*EVAL, "--summary", RECORD, cwd=folder)
    assert "two outputs are one file" in line
    assert not list(folder.glob("out*"))


def test_a_stream_has_no_record(folder):
    assert megaasr("eval", "m.jsonl", "-", *BACKEND, *ROUTED, cwd=folder).returncode == 0
    assert not list(folder.glob("*.run.json"))


def test_the_normaliser_of_a_report_is_that_of_the_rows(finished):
    rows = [{**row, "normaliser": "of an earlier version"} for row in rows_of(finished / "out.jsonl")]
    (finished / "out.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    assert json.loads(reuse(finished).stdout)["summary"]["normalisers"] == {"en": "of an earlier version"}


def test_a_recording_that_is_written_again_begins_anew(folder):
    interrupted(folder, *EVAL)
    write_clips(folder)
    assert "begun anew: the recordings differ" in megaasr(*EVAL, cwd=folder).stderr

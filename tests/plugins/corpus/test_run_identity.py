"""Labels, plans and corpora are of the model, recordings and noises that they were begun with, or are refused."""

import json
import os

import pytest

from megaasr import code_identity
from tests.command_line import megaasr, refused
from tests.plugins.corpus.corpora import rows_of, write_noise, write_speech
from tests.plugins.parrot_runs import BACKEND, CHANGES, COUNT, check_is_not_mixed, interrupted, make, overwrite

LABEL = ("corpus", "label", "m.jsonl", "-o", "out.jsonl", *BACKEND)
OF_LABELS = [said for said in CHANGES if not said.startswith(("the adapter", "the router"))]


@pytest.fixture
def parrot(tmp_path):
    return make(tmp_path)


def test_interrupted_labels_go_on_and_their_record_is_written(parrot):
    interrupted(parrot, *LABEL)
    assert f"2 of {COUNT} rows are done already" in megaasr(*LABEL, cwd=parrot).stderr
    record = json.loads((parrot / "out.jsonl.run.json").read_text())
    assert record["identity"]["router"]["name"] == "always_base"
    assert record["identity"]["adapter"] is None


@pytest.mark.parametrize("said", OF_LABELS)
def test_interrupted_labels_are_not_mixed_with_others(parrot, monkeypatch, said):
    check_is_not_mixed(parrot, monkeypatch, said, LABEL, "base_text")


def test_changed_texts_of_one_size_and_time_begin_anew(parrot):
    interrupted(parrot, *LABEL)
    overwrite(parrot / "m.jsonl", "some words", "more words")
    assert "begun anew: the manifest differs" in megaasr(*LABEL, cwd=parrot).stderr
    assert {row["text"] for row in rows_of(parrot / "out.jsonl")} == {"more words"}


@pytest.fixture
def folder(tmp_path):
    """Three recordings and a folder of noises."""
    write_speech(tmp_path / "speech", (16_000, 8_000, 40_000))
    write_noise(tmp_path / "noise")
    return tmp_path


def plan(folder, *options, out="plan", run=megaasr):
    call = ("corpus", "plan", "--speech", "speech/manifest.jsonl", "--noise", "noise", "--convert", "--workers", 1)
    return run(*call, "--scenarios", "noise", "--count", 6, "--shard-size", 2, "-o", out, *options, cwd=folder)


def changed(path):
    """The bytes of a recording with another last sample, and its time a second later."""
    data = bytearray(path.read_bytes())
    data[-1] ^= 1
    path.write_bytes(data)
    os.utime(path, ns=(0, path.stat().st_mtime_ns + 10**9))


def change_noises(folder):
    for noise in (folder / "noise").rglob("*.wav"):
        changed(noise)


PLAN_CHANGES = {
    "recordings": lambda folder: changed(folder / "speech" / "0.flac"),
    "sounds": change_noises,
    "manifest": lambda folder: overwrite(folder / "speech" / "manifest.jsonl", "words of 1", "texts of 1"),
}


@pytest.mark.parametrize("part", PLAN_CHANGES)
@pytest.mark.parametrize("is_finished", [True, False])
def test_a_plan_of_other_data_is_refused_by_the_part(folder, part, is_finished):
    assert plan(folder).returncode == 0
    assert plan(folder).returncode == 0
    if not is_finished:  # as a run leaves it that is killed after its second shard
        settings = json.loads((folder / "plan" / "plan.json").read_text())
        request = {"request": settings["request"], **settings["identity"], "code": code_identity()}
        (folder / "plan" / ".request").write_text(json.dumps(request))
        (folder / "plan" / "plan.json").unlink()
        (folder / "plan" / "recipes-00002.jsonl").unlink()
    PLAN_CHANGES[part](folder)
    line = plan(folder, run=refused)
    assert "of other settings" in line
    assert part in line.partition("(different: ")[2].partition(")")[0].split(", ")
    assert line.endswith("remove it or name another folder")


def test_an_unfinished_plan_of_other_code_is_refused(folder):
    assert plan(folder).returncode == 0
    settings = json.loads((folder / "plan" / "plan.json").read_text())
    (folder / "plan" / "plan.json").unlink()
    other = {"request": settings["request"], **settings["identity"], "code": {**code_identity(), "sources": "other"}}
    (folder / "plan" / ".request").write_text(json.dumps(other))
    assert "(different: code (sources))" in plan(folder, run=refused)


def test_a_plan_of_an_earlier_version_is_known_by_its_request(folder):
    assert plan(folder).returncode == 0
    file = folder / "plan" / "plan.json"
    settings = json.loads(file.read_text())
    del settings["identity"]
    file.write_text(json.dumps(settings))
    assert plan(folder).returncode == 0
    assert plan(folder, "--seed", 1, run=refused).endswith("plan of other settings; remove it or name another folder")


@pytest.fixture
def rendered(folder):
    assert plan(folder).returncode == 0
    assert render(folder).returncode == 0
    return folder


def render(folder, run=megaasr):
    return run("corpus", "render", "plan", "-o", "corpus", "--workers", 1, cwd=folder)


@pytest.mark.parametrize("change", [PLAN_CHANGES["recordings"], PLAN_CHANGES["sounds"]], ids=["speech", "noise"])
@pytest.mark.parametrize("is_finished", [True, False])
def test_a_corpus_is_not_rendered_on_from_other_recordings(rendered, change, is_finished):
    if not is_finished:
        (rendered / "corpus" / "manifest-00002.jsonl").unlink()
    assert render(rendered).returncode == 0
    change(rendered)
    line = render(rendered, run=refused)
    assert line.endswith(
        "corpus: holds a corpus of another plan or format (different: recordings); remove it or name another folder"
    )


def test_a_corpus_of_an_earlier_version_is_gone_on_with(rendered):
    file = rendered / "corpus" / "render.json"
    settings = json.loads(file.read_text())
    del settings["recordings"]
    file.write_text(json.dumps(settings))
    (rendered / "corpus" / "manifest-00002.jsonl").unlink()
    assert render(rendered).returncode == 0


def test_a_noise_that_has_changed_begins_the_labels_of_a_plan_anew(folder):
    make(folder)
    assert plan(folder).returncode == 0
    lengths = sorted(row["recipe"]["num_samples"] for shard in folder.glob("plan/r*") for row in rows_of(shard))
    label = ("corpus", "label", "plan", "-o", "out.jsonl", *BACKEND, "--backend-set", f"stop_at={min(lengths)}")
    interrupted(folder, *label, "--limit", 6)
    change_noises(folder)
    again = megaasr(*label, "--limit", 6, cwd=folder)
    assert "begun anew: the recordings differ" in again.stderr

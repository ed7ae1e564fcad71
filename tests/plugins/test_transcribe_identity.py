"""`transcribe -o` that was interrupted goes on with what it began with, or begins anew and says what differs."""

import json

import pytest

from tests.command_line import megaasr
from tests.plugins.parrot_runs import BACKEND, CHANGES, COUNT, ROUTED, check_is_not_mixed, interrupted, make

CALL = ("transcribe", *(f"{number}.wav" for number in range(COUNT)), "-o", "out.jsonl", *BACKEND, *ROUTED)


@pytest.fixture
def folder(tmp_path):
    return make(tmp_path)


def test_an_interrupted_run_goes_on_and_its_record_is_written(folder):
    interrupted(folder, *CALL)
    assert not (folder / "out.jsonl.run.json").exists()
    again = megaasr(*CALL, cwd=folder)
    assert f"2 of {COUNT} recordings are done already" in again.stderr
    record = json.loads((folder / "out.jsonl.run.json").read_text())
    assert set(record["identity"]) == {
        *("code", "backend", "adapter", "router", "plugins", "decoding", "options", "recordings"),
    }
    assert record["told"]["adapter"] == "adapter"


@pytest.mark.parametrize("said", CHANGES)
def test_an_interrupted_run_is_not_mixed_with_another(folder, monkeypatch, said):
    check_is_not_mixed(folder, monkeypatch, said, CALL, "text")


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--max-duration-s", 60), "the options (max_duration_s) differ"),
        (("--convert",), "the options (convert) differ"),
        (("3.wav",), "the recordings differ"),
    ],
)
def test_other_options_are_named(folder, options, said):
    interrupted(folder, *CALL)
    assert f"begun anew: {said}" in megaasr(*CALL, *options, cwd=folder).stderr


def test_printed_words_leave_no_files(folder):
    before = sorted(folder.iterdir())
    call = [word for word in CALL if word not in ("-o", "out.jsonl")]
    assert megaasr(*call, cwd=folder).returncode == 0
    assert sorted(folder.iterdir()) == before

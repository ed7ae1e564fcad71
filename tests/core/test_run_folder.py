"""The folder of a run: one run at a time, its identity, and what a killed run has left."""

import pytest

from megaasr import OutputError, claim_identity, read_json, refuse_foreign, run_folder
from megaasr.library import run_folder as module


def test_unfinished_files_are_removed_before_and_after(tmp_path):
    folder = tmp_path / "run"
    folder.mkdir()
    for name in (".a.123.tmp", ".b.123.tmp.jsonl"):
        (folder / name).write_text("half")
    (folder / ".c.9.tmp.d").mkdir()
    (folder / "kept.tmp").write_text("whole")
    with run_folder(folder):
        assert [path.name for path in folder.iterdir()] == ["kept.tmp"]
        (folder / ".d.7.tmp").write_text("of a worker that died")
    assert [path.name for path in folder.iterdir()] == ["kept.tmp"]


def test_one_run_at_a_time(tmp_path, monkeypatch):
    monkeypatch.setattr(module, "LOCK_WAIT_S", 0.0)
    with (
        run_folder(tmp_path / "run"),
        pytest.raises(OutputError, match="another run is filling it"),
        run_folder(tmp_path / "run"),
    ):
        pass
    with run_folder(tmp_path / "run"):  # free again
        assert (tmp_path / "run").is_dir()


def test_another_identity_is_refused_with_what_differs(tmp_path):
    file = tmp_path / "run.json"
    identity = {"run": "1", "content of a.jsonl": "x"}
    claim_identity(file, identity, other="a run of another configuration")
    assert read_json(file) == identity
    claim_identity(file, identity, other="a run of another configuration")
    changed = {"run": "1", "content of a.jsonl": "y", "content of b.jsonl": "z"}
    expected = (
        r"holds a run of another configuration \(different: content of a\.jsonl, content of b\.jsonl\); remove it"
    )
    with pytest.raises(OutputError, match=expected):
        claim_identity(file, changed, other="a run of another configuration")
    file.write_text("{")
    with pytest.raises(OutputError, match=r"run\.json: not JSON"):
        claim_identity(file, identity, other="a run of another configuration")


def test_a_folder_of_something_else_is_refused(tmp_path):
    (tmp_path / "letter.txt").write_text("dear")
    with pytest.raises(OutputError, match=r"holds letter\.txt but no run\.json"):
        claim_identity(tmp_path / "run.json", {"run": "1"}, other="another run")
    assert not (tmp_path / "run.json").exists()
    refuse_foreign(tmp_path / "run.json", ["*.jsonl"])
    claim_identity(tmp_path / "run.json", {"run": "1"}, other="another run", foreign=("shard-*",))
    assert read_json(tmp_path / "run.json") == {"run": "1"}

"""The record of the run that made an output, and what a resumed run or a folder says of another one."""

import pytest

from megaasr import (
    OutputError,
    RunRecord,
    claim_identity,
    read_record,
    record_path,
    resumable_rows,
    write_record,
)

IDENTITY = {"code": {"megaasr": "1"}, "adapter": "one"}


def write(path, identity, count=2, **told):
    with resumable_rows(path, RunRecord(identity, told)) as rows:
        for number in range(rows.num_done, count):
            rows.append({"number": number})


def test_a_record_stands_beside_rows_that_stay_plain(tmp_path):
    out = tmp_path / "out.jsonl"
    write(out, IDENTITY, hardware="here")
    assert out.read_text() == '{"number": 0}\n{"number": 1}\n'
    found = read_record(out)
    assert (found.identity, found.told) == (IDENTITY, {"hardware": "here"})
    assert found.id == RunRecord(IDENTITY).id != RunRecord({**IDENTITY, "adapter": "two"}).id
    assert len(found.id) == 16
    assert sorted(path.name for path in tmp_path.glob("out*")) == ["out.jsonl", "out.jsonl.run.json"]
    out.write_text('{"number": 0}\n')
    assert read_record(out) is None
    record_path(out).unlink()
    assert read_record(out) is None


def test_the_record_of_a_link_lies_beside_what_it_names(tmp_path):
    (tmp_path / "real").mkdir()
    (tmp_path / "out.jsonl").symlink_to(tmp_path / "real" / "rows.jsonl")
    write(tmp_path / "out.jsonl", IDENTITY)
    assert (tmp_path / "real" / "rows.jsonl.run.json").is_file()
    assert read_record(tmp_path / "out.jsonl").identity == IDENTITY
    long = tmp_path / f"{'x' * 250}"
    write(long, IDENTITY)
    assert read_record(long).identity == IDENTITY


def test_rows_never_stand_beside_the_record_of_another_run(tmp_path, monkeypatch):
    """Killed between the record and the rows: what is there is not taken for what it is not."""
    out = tmp_path / "out.jsonl"
    write(out, IDENTITY)
    kept = out.read_bytes()
    from megaasr.library import resumable

    def killed(path, record, rows):
        write_record(path, record, rows)
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(resumable, "write_record", killed)
        with pytest.raises(KeyboardInterrupt):
            write(out, {**IDENTITY, "adapter": "two"}, count=3)
    assert out.read_bytes() == kept
    assert read_record(out) is None
    write(out, {**IDENTITY, "adapter": "two"}, count=3)
    assert read_record(out).identity["adapter"] == "two"


def test_rows_of_a_mark_alone_have_no_record(tmp_path):
    out = tmp_path / "out.jsonl"
    write(out, IDENTITY)
    with resumable_rows(out, "mark") as rows:
        rows.append({"number": 7})
    assert read_record(out) is None


def interrupted(path, mark):
    with resumable_rows(path, mark) as rows:
        rows.append({"number": 0})
        raise KeyboardInterrupt


@pytest.mark.parametrize(
    ("first", "said"),
    [
        (RunRecord({**IDENTITY, "adapter": "two"}), "the adapter differs"),
        ("a mark of an earlier version", "settings or recordings differ"),
    ],
)
def test_the_note_of_a_resumed_run_says_what_differs(tmp_path, first, said):
    out = tmp_path / "out.jsonl"
    with pytest.raises(KeyboardInterrupt):
        interrupted(out, first)
    with resumable_rows(out, RunRecord(IDENTITY)) as rows:
        assert rows.left_over
        assert rows.note == f"{out}.partial is of another run and is begun anew: {said}"
        assert rows.done == []


def test_a_folder_names_the_parts_that_differ_and_may_lack_those_that_were_added(tmp_path):
    file = tmp_path / "run.json"
    claim_identity(file, IDENTITY, other="another run")
    claim_identity(file, {**IDENTITY, "recordings": "1"}, other="another run", added=("recordings",))
    with pytest.raises(OutputError, match=r"\(different: code \(megaasr\), recordings\)"):
        claim_identity(file, {"code": {"megaasr": "2"}, "adapter": "one", "recordings": "1"}, other="another run")
    file.unlink()
    claim_identity(file, {**IDENTITY, "recordings": "1"}, other="another run", added=("recordings",))
    with pytest.raises(OutputError, match=r"\(different: recordings\)"):
        claim_identity(file, {**IDENTITY, "recordings": "2"}, other="another run", added=("recordings",))

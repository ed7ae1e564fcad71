"""Where outputs go: through links, into streams, never onto a device; and one writer of each at a time."""

import os
import subprocess
import sys
import threading
from contextlib import suppress
from pathlib import Path

import pytest

from megaasr import (
    OutputError,
    check_outputs,
    held_outputs,
    is_stream,
    read_jsonl,
    resumable_rows,
    temporary_name,
    text_output,
    write_text,
)
from megaasr.library import output_locks
from megaasr_core.base.files import atomic_path


@pytest.fixture(autouse=True)
def _no_waiting(monkeypatch):
    monkeypatch.setattr(output_locks, "OUTPUT_WAIT_S", 0.0)


def write_rows(path, *numbers, **options):
    with resumable_rows(path, "mark", **options) as rows:
        for number in numbers:
            rows.append({"n": number})


def names(folder):
    return sorted(path.name for path in folder.iterdir())


@pytest.mark.parametrize("write", [lambda path: write_text(path, '{"n": 1}\n'), lambda path: write_rows(path, 1)])
@pytest.mark.parametrize("exists", [True, False])
def test_a_link_stays_and_what_it_names_is_written(tmp_path, write, exists):
    (tmp_path / "data").mkdir()
    target, link = tmp_path / "data" / "out.jsonl", tmp_path / "link.jsonl"
    if exists:
        target.write_text("old")
        target.chmod(0o640)
    link.symlink_to(Path("data") / "out.jsonl")
    write(link)
    assert link.is_symlink()
    assert read_jsonl(target) == [{"n": 1}]
    assert names(tmp_path / "data") == ["out.jsonl"]
    assert not exists or target.stat().st_mode & 0o777 == 0o640


@pytest.mark.parametrize("write", [lambda path: write_text(path, '{"n": 1}\n'), lambda path: write_rows(path, 1)])
def test_a_fifo_is_written_into_and_stays(tmp_path, write):
    fifo = tmp_path / "out.jsonl"
    os.mkfifo(fifo)
    heard = []
    reader = threading.Thread(target=lambda: heard.append(fifo.read_text()))
    reader.start()
    check_outputs([fifo])
    write(fifo)
    reader.join()
    assert heard == ['{"n": 1}\n']
    assert fifo.is_fifo()
    assert names(tmp_path) == ["out.jsonl"]


@pytest.mark.parametrize("name", ["-", "/dev/stdout", "/proc/self/fd/1"])
def test_standard_output_takes_rows_as_they_come(capsys, name):
    with resumable_rows(Path(name), "mark") as rows:
        rows.append({"n": 1})
        assert capsys.readouterr().out == '{"n": 1}\n'
        rows.append({"n": 2})
    assert capsys.readouterr().out == '{"n": 2}\n'
    assert not Path("-.partial").exists()


def test_a_descriptor_takes_rows_and_a_closed_one_is_refused(tmp_path):
    reading, writing = os.pipe()
    with os.fdopen(reading) as pipe:
        write_rows(Path(f"/dev/fd/{writing}"), 1, 2)
        os.close(writing)
        assert pipe.read() == '{"n": 1}\n{"n": 2}\n'
    with pytest.raises(OutputError, match=r"cannot write /dev/fd/\d+: Bad file descriptor"):
        check_outputs([Path(f"/dev/fd/{writing}")])


@pytest.mark.parametrize("write", [lambda path: write_text(path, "x"), lambda path: write_rows(path, 1)])
def test_a_device_is_refused_and_stays(tmp_path, write):
    device = tmp_path / "null"
    try:
        os.mknod(device, 0o20666, os.makedev(1, 3))
    except PermissionError:  # not as a superuser; the system's own cannot be harmed then
        device = Path(os.devnull)
    with pytest.raises(OutputError, match="it is a device or a broken link, not a file"):
        write(device)
    assert device.is_char_device()
    assert not is_stream(device)


def test_a_loop_of_links_and_a_read_only_file_are_refused(tmp_path, monkeypatch):
    loop = tmp_path / "loop"
    loop.symlink_to(loop)
    with pytest.raises(OutputError, match="broken link"):
        write_text(loop, "x")
    kept = tmp_path / "kept"
    kept.write_text("kept")
    monkeypatch.setattr(os, "access", lambda *_: False)  # permissions do not bind a superuser
    with pytest.raises(OutputError, match=r"kept: it is read-only"):
        check_outputs([kept])
    assert kept.read_text() == "kept"


def test_temporary_names_cannot_be_guessed_and_fit_into_a_file_system(tmp_path):
    for name in ("o" * 251 + ".wav", "ü" * 127, "caf\udce9.wav", "a." + "b" * 200):
        with atomic_path(tmp_path / name) as temporary:
            assert temporary.is_file()
            assert temporary_name(tmp_path / name) != temporary
            assert len(os.fsencode(temporary.name)) < 200
        assert names(tmp_path) == [name]
        (tmp_path / name).unlink()
    write_rows(tmp_path / ("o" * 249 + ".jsonl"), 1)
    with pytest.raises(OutputError, match="File name too long"):
        write_text(tmp_path / ("o" * 256), "x")


@pytest.mark.parametrize("kind", ["link", "hard link", "of something else", "folder"])
def test_a_partial_file_that_is_not_ours_is_refused_by_name(tmp_path, kind):
    precious, partial = tmp_path / "precious.txt", tmp_path / "out.jsonl.partial"
    precious.write_text("precious")
    if kind == "link":
        partial.symlink_to(precious)
    elif kind == "hard link":
        partial.hardlink_to(precious)
    elif kind == "folder":
        partial.mkdir()
    else:
        partial.write_text("precious")
    before = names(tmp_path)
    with pytest.raises(OutputError, match=r"out\.jsonl\.partial"):
        write_rows(tmp_path / "out.jsonl", 1)
    assert names(tmp_path) == before
    assert precious.read_text() == "precious"


def test_rows_have_one_writer_at_a_time(tmp_path):
    out = tmp_path / "out.jsonl"
    with resumable_rows(out, "mark") as rows:
        rows.append({"n": 1})
        for again in (lambda: write_rows(out, 2), lambda: held_outputs([out]).__enter__()):
            with pytest.raises(OutputError, match=r"out\.jsonl: another run is writing it; wait for its end"):
                again()
        rows.append({"n": 3})
    assert read_jsonl(out) == [{"n": 1}, {"n": 3}]
    assert names(tmp_path) == ["out.jsonl"]
    write_rows(out, 4)  # free again


def test_a_command_hands_its_lock_to_its_rows(tmp_path):
    out, report = tmp_path / "out.jsonl", tmp_path / "report.md"
    with held_outputs([out, report]):
        assert names(tmp_path) == ["out.jsonl.partial", "report.md.partial"]
        write_rows(out, 1)
        write_text(report, "# one")
    assert names(tmp_path) == ["out.jsonl", "report.md"]


def test_a_lock_leaves_the_rows_of_an_unfinished_run(tmp_path):
    out = tmp_path / "out.jsonl"
    with pytest.raises(OutputError, match="1 rows where 2"):
        write_rows(out, 1, due=2)
    with held_outputs([out]):
        write_text(out, "of another command")
    with resumable_rows(out, "mark") as rows:
        assert rows.done == [{"n": 1}]


def test_the_lock_of_a_killed_process_is_free(tmp_path):
    out = tmp_path / "out.txt"
    code = "import sys, os, pathlib; from megaasr import held_outputs\n"
    code += "held = held_outputs([pathlib.Path(sys.argv[1])]); held.__enter__(); os.kill(os.getpid(), 9)"
    assert subprocess.run([sys.executable, "-c", code, str(out)], check=False).returncode == -9
    assert names(tmp_path) == ["out.txt.partial"]
    with held_outputs([out]):
        write_text(out, "whole")
    assert names(tmp_path) == ["out.txt"]


def test_rows_are_counted_at_the_end(tmp_path):
    out = tmp_path / "out.jsonl"
    with pytest.raises(OutputError, match=r"out\.jsonl\.partial holds 1 rows where 2 rows are due"):
        write_rows(out, 1, due=2)
    assert not out.exists()
    with resumable_rows(out, "mark", due=2) as rows:
        rows.append({"n": 2})
    assert read_jsonl(out) == [{"n": 1}, {"n": 2}]

    def changed_by_another():
        with resumable_rows(out, "mark") as rows:
            rows.append({"n": 1})
            rows.partial.write_bytes(rows.partial.read_bytes() * 2)

    with pytest.raises(OutputError, match=r"has another program changed it\? Remove it"):
        changed_by_another()


@pytest.mark.parametrize("gone", ["partial file", "folder"])
def test_a_folder_that_is_removed_meanwhile_is_one_line_at_the_next_row(tmp_path, gone):
    folder = tmp_path / "results"
    folder.mkdir()

    def run():
        with resumable_rows(folder / "out.jsonl", "mark") as rows:
            rows.append({"n": 1})
            rows.partial.unlink()
            if gone == "folder":
                folder.rmdir()
            rows.append({"n": 2})

    with pytest.raises(OutputError, match=r"out\.jsonl\.partial was removed while this run was writing it"):
        run()
    with suppress(FileNotFoundError):
        assert names(folder) == []


def test_a_full_disk_ends_with_whole_rows_and_the_next_run_goes_on(tmp_path, monkeypatch):
    out = tmp_path / "out.jsonl"
    write = os.write

    def half_then_full(descriptor, data):
        if len(data) < 50:
            return write(descriptor, data)
        if data[0:1] == b"{":
            return write(descriptor, data[:20])
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "write", half_then_full)
    with pytest.raises(OutputError, match=r"cannot write .*out\.jsonl: No space left on device"):
        write_rows(out, 1, "a long row" * 10)
    monkeypatch.undo()
    assert (tmp_path / "out.jsonl.partial").read_bytes().endswith(b'{"n": 1}\n')
    with resumable_rows(out, "mark", due=2) as rows:
        assert rows.done == [{"n": 1}]
        rows.append({"n": 2})
    assert names(tmp_path) == ["out.jsonl"]


def test_bytes_of_a_name_that_are_no_utf8_are_written_so_that_they_are_read_back(tmp_path):
    row = {"audio": os.fsdecode(b"caf\xe9.wav"), "text": "ü 😀"}
    with text_output(tmp_path / "a.txt") as file:
        file.write(row["audio"])
    assert (tmp_path / "a.txt").read_text() == "caf\\udce9.wav"
    with resumable_rows(tmp_path / "a.jsonl", "mark") as rows:
        rows.append(row)
    assert read_jsonl(tmp_path / "a.jsonl") == [row]

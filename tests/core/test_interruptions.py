"""How a command ends when it is stopped, or when something fails that nobody expected: one line, and an exit code."""

import json
import os
import resource
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from megaasr import Audio, OutputError, read_jsonl, write_audio
from megaasr.library import kernel_cache
from megaasr.library.endings import stopped_by_signals
from megaasr_core.cli import main as cli
from tests.command_line import megaasr, megaasr_process, refused

STOPS = """
import os, signal, threading
from typing import ClassVar
from megaasr import Backend, BackendInfo, Transcript, hookimpl

class Stops(Backend):
    "A backend that is stopped at its third recording, while it stands for long work."
    name: ClassVar[str] = "stops"
    number: int = 0

    @property
    def info(self):
        return BackendInfo(16_000, 1.0)

    def load(self): pass

    def transcribe(self, batch, options, adapters=None):
        if self.number and len(batch[0].samples) == 3_002:
            os.kill(os.getpid(), self.number)
            threading.Event().wait(30)
        return [Transcript(str(len(one.samples)), "en", -0.1, 1) for one in batch]

    def mount(self, name, folder): raise NotImplementedError
    def unmount(self, name): raise NotImplementedError
    def mounted(self): return ()

@hookimpl
def register_backends(register):
    register(Stops)
"""


@pytest.fixture
def clips(tmp_path):
    """Five clips, and the words of a call that transcribes them one at a time."""
    (tmp_path / "stops.py").write_text(STOPS)
    for number in range(5):
        write_audio(tmp_path / f"{number}.wav", Audio(np.resize(np.float32([0.1, -0.1]), 3_000 + number), 16_000))
    names = [f"{number}.wav" for number in range(5)]
    options = ["--plugin", "stops.py", "--backend", "stops", "--batch-size", 1, "--router", "always_base"]
    return ["transcribe", *names, *options, "-o", "out.jsonl"]


def left(folder):
    return sorted(path.name for path in folder.iterdir() if path.suffix not in (".wav", ".py") and path.is_file())


@pytest.mark.parametrize(
    ("name", "line"),
    [
        ("SIGTERM", "megaasr: stopped by SIGTERM"),
        ("SIGHUP", "megaasr: stopped by SIGHUP"),
        ("SIGINT", "megaasr: interrupted"),
    ],
)
def test_a_signal_ends_a_run_in_one_line_and_the_next_goes_on(clips, tmp_path, name, line):
    number = int(getattr(signal, name))
    done = megaasr(*clips, "--backend-set", f"number={number}", cwd=tmp_path)
    assert done.stderr.strip().split("\n") == [line]
    assert done.returncode == 128 + number
    assert left(tmp_path) == ["out.jsonl.partial"]
    (tmp_path / "2.wav").unlink()
    write_audio(tmp_path / "2.wav", Audio(np.resize(np.float32([0.1, -0.1]), 3_002), 16_000))
    again = megaasr(*clips, "--backend-set", "number=0", cwd=tmp_path)
    assert "is of another run and is begun anew" in again.stderr
    assert [row["text"] for row in read_jsonl(tmp_path / "out.jsonl")] == ["3000", "3001", "3002", "3003", "3004"]


def test_a_process_that_is_stopped_has_the_exit_code_of_its_signal(clips, tmp_path):
    done = megaasr_process(*clips, "--backend-set", f"number={int(signal.SIGTERM)}", cwd=tmp_path)
    assert (done.returncode, done.stderr) == (143, "megaasr: stopped by SIGTERM\n")
    assert left(tmp_path) == ["out.jsonl.partial"]


@pytest.mark.parametrize("command", ["transcribe", "eval", "label"])
def test_a_resumed_run_begins_anew_when_a_recording_has_changed(clips, tmp_path, command):
    rows = [{"audio": name, "text": "x", "language": "en"} for name in clips[1:6]]
    (tmp_path / "m.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    options = ["--plugin", "stops.py", "--backend", "stops", "--batch-size", 1, "--backend-set"]
    calls = {
        "transcribe": [*clips[:-2], "--backend-set"],
        "eval": ["eval", "m.jsonl", "out.jsonl", *options],
        "label": ["corpus", "label", "m.jsonl", *options],
    }
    out = [] if command == "eval" else ["-o", "out.jsonl"]
    plugin = tmp_path / "stops.py"
    plugin.write_text(STOPS.replace("if self.number and", "if os.path.exists('stop') and"))
    (tmp_path / "stop").touch()
    call = [*calls[command], f"number={int(signal.SIGTERM)}", *out]
    assert megaasr(*call, cwd=tmp_path).returncode == 143
    (tmp_path / "stop").unlink()
    write_audio(tmp_path / "0.wav", Audio(np.resize(np.float32([0.1, -0.1]), 2_999), 16_000))
    again = megaasr(*call, cwd=tmp_path)
    assert again.returncode == 0, again.stderr
    assert "is of another run and is begun anew: the recordings differ" in again.stderr
    words = [row.get("text" if command == "transcribe" else "prediction") for row in read_jsonl(tmp_path / "out.jsonl")]
    if command == "label":
        words = [row["base_text"] for row in read_jsonl(tmp_path / "out.jsonl")]
    assert words[0] == "2999"
    assert left(tmp_path) == ["m.jsonl", "out.jsonl", "out.jsonl.run.json"]


def test_the_second_signal_does_not_break_the_clean_up():
    cleaned = []
    with stopped_by_signals() as received:
        try:
            signal.raise_signal(signal.SIGTERM)
        except KeyboardInterrupt:
            signal.raise_signal(signal.SIGHUP)
            cleaned.append("whole")
    assert cleaned == ["whole"]
    assert received == [signal.SIGTERM, signal.SIGHUP]


def test_a_signal_that_the_caller_ignores_stays_ignored_and_handlers_are_put_back():
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)  # as nohup does
    try:
        with stopped_by_signals() as received:
            signal.raise_signal(signal.SIGHUP)
        assert received == []
        assert signal.getsignal(signal.SIGHUP) == signal.SIG_IGN
    finally:
        signal.signal(signal.SIGHUP, before)


SEE = "pass --traceback to see where"


@pytest.mark.parametrize(
    ("error", "line"),
    [
        (TypeError("a\n b"), f"internal error: TypeError: a b ({SEE}; please report it)"),
        (RecursionError("too deep"), f"internal error: RecursionError: too deep ({SEE}; please report it)"),
        (MemoryError(), f"out of memory; give smaller batches, shorter recordings or fewer workers ({SEE})"),
        (OSError(28, "No space left on device", "x/y"), f"x/y: No space left on device ({SEE})"),
        (FileNotFoundError(2, "No such file or directory"), f"No such file or directory ({SEE})"),
        (UnicodeEncodeError("utf-8", "\udce9", 0, 1, "no"), "internal error: UnicodeEncodeError: 'utf-8' codec"),
    ],
)
def test_an_unexpected_exception_is_one_line(monkeypatch, error, line):
    def fails(*_):
        raise error

    monkeypatch.setattr(cli, "_run", fails)
    assert refused("scenarios").startswith(f"megaasr: error: {line}")
    shown = megaasr("scenarios", "--traceback")
    assert shown.returncode == 2
    assert "Traceback (most recent call last)" in shown.stderr
    assert shown.stderr.strip().split("\n")[-1].startswith(f"megaasr: error: {line}")


def test_a_reader_that_has_had_enough_is_no_error(monkeypatch):
    def fails(*_):
        raise BrokenPipeError(32, "Broken pipe")

    monkeypatch.setattr(cli, "_run", fails)
    done = megaasr("scenarios")
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a device that is always full")
def test_a_full_disk_below_standard_output_is_one_line():
    with Path("/dev/full").open("w") as full:
        command = [sys.executable, "-m", "megaasr_core.cli", "--version"]
        done = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, text=True, check=False)
    assert done.stderr == f"megaasr: error: No space left on device ({SEE})\n"
    assert done.returncode == 2


def test_where_the_disk_ends_a_run_is_one_line_and_nothing_temporary_stays(clips, tmp_path):
    usual = resource.getrlimit(resource.RLIMIT_FSIZE)
    try:
        resource.setrlimit(resource.RLIMIT_FSIZE, (1_300, usual[1]))  # the line of the run, and two or three rows
        line = refused(*clips, cwd=tmp_path)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, usual)
    assert line == "megaasr: error: cannot write out.jsonl: File too large"
    assert left(tmp_path) == ["out.jsonl.partial"]
    done = megaasr(*clips, cwd=tmp_path)
    assert done.returncode == 0
    assert "of 5 recordings are done already" in done.stderr
    assert len(read_jsonl(tmp_path / "out.jsonl")) == 5


def test_an_encoding_that_lacks_letters_keeps_json_readable(clips, tmp_path):
    (tmp_path / "0.wav").rename(tmp_path / "ü.wav")
    call = ["ü.wav" if word == "0.wav" else word for word in clips[:-2]]
    done = megaasr_process(*call, "--json", cwd=tmp_path, PYTHONIOENCODING="ascii")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout.split("\n")[0])["audio"] == "ü.wav"
    assert done.stdout.isascii()


@pytest.fixture
def read_only_code(monkeypatch, tmp_path):
    """Folders of code that cannot be written, and no folder for kernels chosen yet."""
    monkeypatch.delenv("NUMBA_CACHE_DIR", raising=False)
    fault = kernel_cache._fault
    monkeypatch.setattr(kernel_cache, "_fault", lambda one: "read-only" if one.is_relative_to("/code") else fault(one))
    monkeypatch.setattr("numba.config.CACHE_DIR", "", raising=False)
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "tmp"))
    (tmp_path / "tmp").mkdir()
    return lambda: kernel_cache.use_kernel_cache.__wrapped__(kernel_cache.Path("/code/dsp"))


def test_kernels_are_kept_below_the_named_cache_where_the_code_cannot_be_written(read_only_code, monkeypatch, tmp_path):
    monkeypatch.setenv("MEGAASR_CACHE", str(tmp_path / "cache"))
    assert read_only_code() == tmp_path / "cache" / "kernels"
    assert os.environ["NUMBA_CACHE_DIR"] == str(tmp_path / "cache" / "kernels")


def test_a_named_cache_that_cannot_be_written_is_refused(read_only_code, monkeypatch, tmp_path):
    (tmp_path / "file").touch()
    monkeypatch.setenv("MEGAASR_CACHE", str(tmp_path / "file"))
    with pytest.raises(OutputError, match=r"file/kernels: Not a directory; set MEGAASR_CACHE to a folder"):
        read_only_code()


def test_without_any_cache_a_private_temporary_folder_is_taken_with_a_note(
    read_only_code, monkeypatch, tmp_path, caplog
):
    monkeypatch.delenv("MEGAASR_CACHE", raising=False)
    (tmp_path / "file").touch()
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    usual = tmp_path / "tmp" / f"megaasr-{os.getuid()}"
    assert read_only_code() == usual
    assert "set MEGAASR_CACHE to a lasting folder" in caplog.text
    monkeypatch.delenv("NUMBA_CACHE_DIR")
    usual.chmod(0o777)  # another user may have put code into it
    assert read_only_code() != usual


def test_a_current_folder_that_was_removed_is_one_line(tmp_path):
    gone = tmp_path / "gone"
    gone.mkdir()
    code = "import os, sys; os.rmdir(os.getcwd()); sys.argv = ['megaasr', 'plugins']; "
    code += "from megaasr_core.cli.main import main; main()"
    done = subprocess.run([sys.executable, "-c", code], cwd=gone, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (2, "megaasr: error: the current folder was removed; change to another\n")

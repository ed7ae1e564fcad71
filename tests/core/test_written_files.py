"""The kit sees what a plugin writes, and not what another process writes meanwhile."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile

from megaasr_core.testing.written_files import written_files


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_writing_by_python_is_seen_anywhere(folder):
    (folder / "else").mkdir()
    assert written_files(lambda: (folder / "else" / "a.txt").write_text("a")) == [str(folder / "else" / "a.txt")]


def test_writing_by_a_library_in_c_is_seen_in_the_current_folder(folder):
    assert written_files(lambda: soundfile.write("a.wav", np.zeros(8), 8_000)) == [str(folder / "a.wav")]


def test_what_another_process_writes_meanwhile_is_not_counted(folder):
    other = f"import pathlib; pathlib.Path({str(folder / 'a.txt')!r}).write_text('a')"
    assert written_files(lambda: subprocess.run([sys.executable, "-c", other], check=True)) == []
    assert Path("a.txt").exists()

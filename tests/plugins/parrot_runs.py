"""Runs of the parrot: data, model, adapter, router and plugin in one folder, and what changes each of them."""

import json
import os
from pathlib import Path

import numpy as np

from megaasr import Audio, write_audio
from megaasr.library import run_identity, training
from tests.command_line import megaasr

PLUGIN = Path(__file__).with_name("parrot_plugin.py")
BACKEND = ("--plugin", "parrot.py", "--backend", "parrot", "--batch-size", 1)
ROUTED = ("--adapter", "adapter", "--router", "told", "--router-set", "weights=router.txt")
COUNT = 4


def write_clips(folder):
    for number in range(COUNT):
        write_audio(folder / f"{number}.wav", Audio(np.resize(np.float32([0.1, -0.1]), 3_000 + number), 16_000))


def make(folder):
    """Recordings of 3,000 to 3,003 samples in ``m.jsonl``, and everything else that a run of the parrot names."""
    write_clips(folder)
    rows = [{"audio": f"{number}.wav", "text": "some words", "language": "en"} for number in range(COUNT)]
    (folder / "m.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    for name in ("model", "adapter"):
        (folder / name).mkdir()
        (folder / name / "words.txt").write_text(f"{name}-a")
    (folder / "router.txt").write_text("adapter")
    (folder / "parrot.py").write_text(PLUGIN.read_text())
    return folder


def overwrite(path, before, after):
    """Put other contents of the same length into a file, and leave its time of change as it was."""
    assert len(before) == len(after)
    stat, text = path.stat(), path.read_text()
    assert before in text
    path.write_text(text.replace(before, after))
    os.utime(path, ns=(stat.st_atime_ns, stat.st_mtime_ns))


def other_code(monkeypatch):
    """Let megaasr have other sources from now on."""
    for module in (run_identity, training):
        monkeypatch.setattr(module, "code_identity", lambda: {"megaasr": "0", "sources": "of another checkout"})


CHANGES = {
    "the adapter differs": lambda folder, _: overwrite(folder / "adapter" / "words.txt", "adapter-a", "adapter-b"),
    "the router (weights) differs": lambda folder, _: overwrite(folder / "router.txt", "adapter", "base   "),
    "the backend (model) differs": lambda folder, _: overwrite(folder / "model" / "words.txt", "model-a", "model-b"),
    "the plugins (parrot.py) differ": lambda folder, _: overwrite(folder / "parrot.py", '"one"', '"two"'),
    "the code (megaasr": lambda _, monkeypatch: other_code(monkeypatch),
}
"""What is said of a change -> what makes it."""


def interrupted(folder, *call):
    """Run a command that is interrupted at its third recording."""
    (folder / "stop").touch()
    done = megaasr(*call, cwd=folder)
    (folder / "stop").unlink()
    assert done.returncode == 130, done.stderr
    return done


def rows_of(path):
    return [json.loads(line) for line in path.read_text().splitlines()]


def check_is_not_mixed(folder, monkeypatch, said, call, field):
    """Interrupt a run, change what `CHANGES` has under `said`, run again: it says so, and `field` is of one run."""
    interrupted(folder, *call)
    CHANGES[said](folder, monkeypatch)
    again = megaasr(*call, cwd=folder)
    assert again.returncode == 0, again.stderr
    assert f"out.jsonl.partial is of another run and is begun anew: {said}" in again.stderr
    assert "done already" not in again.stderr
    words = {row[field].partition(" ")[2] for row in rows_of(folder / "out.jsonl")}
    assert len(words) == 1, words

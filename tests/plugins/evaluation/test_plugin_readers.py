"""Readers of a ``--plugin`` file read the audio of the commands that decode."""

import json
from pathlib import Path

import pytest

from tests.command_line import megaasr

EAR = str(Path(__file__).parents[2] / "core" / "ear_plugin.py")
READER = """
from typing import ClassVar

import numpy as np

from megaasr import Audio, AudioError, Reader, hookimpl


class Tones(Reader):
    '''Tones: ``NAME.tone#NUM_SAMPLES``, and lists of them.'''

    name: ClassVar[str] = "tones"

    def takes_manifest(self, path):
        return path.suffix == ".tones"

    def rows(self, manifest):
        for number, line in enumerate(manifest.read_text().splitlines(), start=1):
            audio, _, text = line.partition(" ")
            yield f"{manifest}, line {number}", {"audio": audio, "text": text}

    def takes_audio(self, audio):
        return ".tone#" in audio.name

    def exists(self, audio):
        return True

    def read(self, audio, limits=None):
        num_samples = int(audio.name.rpartition("#")[2])
        time_s = np.arange(num_samples) / 16_000
        return Audio((0.1 * np.sin(2 * np.pi * 440 * time_s)).astype(np.float32), 16_000, audio.name)


@hookimpl
def register_readers(register):
    register(Tones)
"""


@pytest.mark.parametrize("command", [("eval", "LIST", "out.jsonl"), ("corpus", "label", "LIST", "-o", "out.jsonl")])
@pytest.mark.parametrize("manifest", ["list.jsonl", "list.tones"])
def test_manifest_and_audio_of_a_plugin_file_are_read(tmp_path, command, manifest):
    (tmp_path / "reader.py").write_text(READER)
    (tmp_path / "table.json").write_text(json.dumps({"3200": ["the cat", "the cat"]}))
    (tmp_path / "list.jsonl").write_text('{"audio": "a.tone#3200", "text": "the cat"}\n')
    (tmp_path / "list.tones").write_text("a.tone#3200 the cat\n")
    call = [manifest if part == "LIST" else part for part in command]
    call += ["--plugin", "reader.py", "--plugin", EAR, "--backend", "ear", "--backend-set", "table=table.json"]
    result = megaasr(*call, cwd=tmp_path)
    assert result.returncode == 0, result.stderr
    row = json.loads((tmp_path / "out.jsonl").read_text())
    assert row.get("prediction", row.get("base_text")) == "the cat"

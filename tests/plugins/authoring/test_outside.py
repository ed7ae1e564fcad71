"""A kind, a corpus source and a backend, each added from outside in one file, work with every tool for authors."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

import pytest

from megaasr import load_plugins
from megaasr_core.testing import cases, failures
from megaasr_plugins.authoring.chosen import third_party
from megaasr_plugins.authoring.description import describe
from megaasr_plugins.authoring.doctor import examine
from megaasr_plugins.authoring.new_package import new_file, new_package
from megaasr_plugins.authoring.reference import reference
from tests.command_line import megaasr

GUARDS = '''
"""The kind guard, and a guard."""

from abc import abstractmethod
from pathlib import Path
from typing import ClassVar

from pydantic import Field

from megaasr import Audio, Kind, Unit, hookimpl, level_dbfs
from megaasr.testing import expect, one_second


class Guard(Unit):
    """Refuses recordings before they are decoded."""

    kind: ClassVar[str] = "guard"

    @abstractmethod
    def refuses(self, audio: Audio) -> bool:
        """Whether the recording is refused."""


class Silence(Guard):
    """Refuse what is silent."""

    name = "silence"
    floor_dbfs: float = Field(-60.0, ge=-120.0, le=0.0, description="quieter is refused; dB re full scale")

    def refuses(self, audio: Audio) -> bool:
        return level_dbfs(audio.samples) < self.floor_dbfs


def checks(subject):
    return [hears_noise]


def hears_noise(subject):
    """A second of noise is not refused."""
    expect(not subject.unit.refuses(one_second()), "refuses a second of noise")


def examine(name, plugins):
    guard = plugins.registry("guard")[name].create()
    return f"refuses a second of noise: {guard.refuses(one_second())}"


def describe(name, plugins):
    return {"applies to": ["speech", "noise"], "table": [{"level_dbfs": -90.0, "refused": True}]}


@hookimpl
def register_kinds(register):
    template = str(Path(__file__).with_name("template"))
    at = {part: f"{__name__}:{part}" for part in ("checks", "examine", "describe")}
    register(Kind("guard", Guard, 110, "A check of recordings.", template=template, **at))


@hookimpl
def register_guards(register):
    register(Silence)
'''


def backend_and_source(folder: Path) -> list[Path]:
    plugins = load_plugins()
    return [new_file(kind, f"outside_{kind}", folder, plugins).module for kind in ("backend", "corpus_source")]


@pytest.fixture
def files(tmp_path) -> list[str]:
    (tmp_path / "guards.py").write_text(GUARDS.lstrip(), encoding="utf-8")
    template = tmp_path / "template"
    template.mkdir()
    (template / "plugin.py.txt").write_text('"""$name: a guard."""\n\nNAME = "$name"\n', encoding="utf-8")
    (template / "README.md.txt").write_text("# $name\n", encoding="utf-8")
    return [str(path) for path in (tmp_path / "guards.py", *backend_and_source(tmp_path))]


SPECS = {
    "guard:silence": "Refuse what is silent.",
    "backend:outside_backend": 'Write one word for every half second of sound: "loud" or "quiet", by its level.',
    "corpus_source:outside_corpus_source": "Laid out as ``PART/SPEAKER/*.wav``, each beside a ``.txt`` of the same "
    "name that holds its transcript.",
}


def run(*arguments: str, files: list[str]) -> subprocess.CompletedProcess[str]:
    return megaasr(*arguments, MEGAASR_PLUGINS=os.pathsep.join(files))


def test_they_are_listed_and_shown_by_the_command_line(files):
    done = run("plugins", "--json", files=files)
    rows = {f"{row['kind']}:{row['name']}": row for row in json.loads(done.stdout)}
    for spec, file in zip(SPECS, files, strict=True):
        assert rows[spec]["origin"] == f"file: {file}"
        assert not rows[spec]["error"]
    shown = run("plugins", "show", "guard:silence", files=files)
    assert shown.returncode == 0, shown.stderr
    assert "guard silence\n\nRefuse what is silent." in shown.stdout
    line = GUARDS.lstrip().splitlines().index("class Silence(Guard):") + 1
    assert f"file:   {files[0]}:{line}\n" in shown.stdout
    assert "floor_dbfs  number  -60.0    ≥ -120, ≤ 0  quieter is refused; dB re full scale" in shown.stdout
    assert "applies to: speech, noise" in shown.stdout
    assert "  level_dbfs  refused\n  -90         True" in shown.stdout
    shown = run("plugins", "show", "guard:silense", files=files)
    assert shown.returncode == 2
    assert "unknown guard 'silense': did you mean 'silence'?" in shown.stderr


def test_they_are_described(files):
    plugins = load_plugins(files)
    for spec, file in zip(SPECS, files, strict=True):
        description = describe(*spec.split(":"), plugins)
        assert description["summary"] == SPECS[spec]
        source = description["source"]
        assert (source["distribution"], source["entry point"], source["file"]) == ("file", file, file)
        line = Path(file).read_text(encoding="utf-8").splitlines()[source["line"] - 1]
        assert line.startswith(("class Silence", "class OutsideBackend", "OUTSIDE_CORPUS_SOURCE = "))
    corpus = describe("corpus_source", "outside_corpus_source", plugins)["details"]
    assert corpus["parts"] == ["train", "dev"]
    assert corpus["licence"] == "CC BY 4.0"


@pytest.mark.parametrize("spec", SPECS)
def test_they_are_checked_by_the_kit(spec, files):
    chosen = cases(spec, files)
    assert chosen
    assert failures(chosen) == {}
    assert spec != "guard:silence" or [case.name for case in chosen] == ["hears_noise"]


def test_the_kit_finds_a_fault_of_a_kind_from_outside(files):
    Path(files[0]).write_text(GUARDS.replace("Field(-60.0,", "Field(-1.0,"), encoding="utf-8")
    assert failures(cases("guard:silence", files)) == {"hears_noise": "guard silence: refuses a second of noise"}


def test_the_doctor_tries_them_and_lists_what_failed(files, tmp_path, monkeypatch):
    broken = tmp_path / "broken.py"
    broken.write_text("raise RuntimeError('boom')\n")
    monkeypatch.setenv("MEGAASR_PLUGINS", os.pathsep.join([*files, str(broken)]))
    monkeypatch.setattr("megaasr_plugins.authoring.doctor._transcribe_once", lambda plugins: "")
    findings = {finding.what: finding for finding in examine(load_plugins())}
    assert findings["guard silence"].detail == "refuses a second of noise: False"
    assert findings["backend outside_backend"].detail == "created: OutsideBackend(threshold_dbfs=-30.0)"
    assert not findings["plugins"].ok
    failed = findings[f"plugin {broken} (file -)"]
    assert not failed.ok
    assert "RuntimeError: boom" in failed.detail
    assert [what for what, finding in findings.items() if not finding.ok] == ["plugins", failed.what]


def test_the_doctor_survives_an_examination_that_is_not_there(files, monkeypatch):
    Path(files[0]).write_text(GUARDS.replace("def examine(", "def examined("), encoding="utf-8")
    monkeypatch.setattr("megaasr_plugins.authoring.doctor._transcribe_once", lambda plugins: "")
    findings = {finding.what: finding for finding in examine(load_plugins(files))}
    assert not findings["guard silence"].ok
    assert "AttributeError" in findings["guard silence"].detail


def test_they_are_documented_and_nothing_else_is(files, tmp_path):
    text = reference(third_party(load_plugins(files), files))
    assert [line for line in text.splitlines() if line.startswith("#")] == [
        "# Reference",
        "## Backends",
        "### outside_backend",
        "## Corpus sources",
        "### outside_corpus_source",
        "## Guards",
        "### silence",
    ]
    assert "| `floor_dbfs` | number | `-60.0` | ≥ -120, ≤ 0 | quieter is refused; dB re full scale |" in text
    assert "- applies to: speech, noise" in text
    assert "| level_dbfs | refused |\n| --- | --- |\n| -90 | True |" in text


def test_a_package_of_the_kind_from_outside_can_be_written(files, tmp_path):
    package = new_package("guard", "loudness", tmp_path, load_plugins(files))
    assert package.module.read_text(encoding="utf-8") == '"""loudness: a guard."""\n\nNAME = "loudness"\n'
    assert 'conformance("guard:loudness")' in (package.folder / "tests/test_conformance.py").read_text(encoding="utf-8")

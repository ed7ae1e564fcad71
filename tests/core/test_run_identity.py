"""The identity of a run: code, units, plugins and data."""

import json
from pathlib import Path
from typing import ClassVar

import pytest

from megaasr import (
    Router,
    RowsDigest,
    code_identity,
    content_digest,
    data_identity,
    differing_parts,
    load_plugins,
    plugins_identity,
    rows_digest,
    unit_identity,
)
from megaasr.library import code_identity as code_module
from megaasr.library.identity_differences import difference


def test_the_code_is_versions_and_sources(tmp_path, monkeypatch):
    found = code_identity()
    assert {"megaasr", "sources", "numpy", "torch"} <= found.keys()
    assert code_identity() is found
    own = code_module.distribution("megaasr")
    assert code_module._sources(own) == found["sources"]
    package = tmp_path / "megaasr_like"
    package.mkdir()
    (package / "__init__.py").write_text("X = 1\n")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(code_module, "PACKAGES", ("megaasr_like",))
    before = code_module._sources(own)
    (package / "notes.md").write_text("none")
    assert code_module._sources(own) == before
    (package / "__init__.py").write_text("X = 2\n")
    assert code_module._sources(own) != before


class Plain(Router):
    """A router whose settings name files."""

    name: ClassVar[str] = "plain"

    weights: Path = Path("router.bin")
    table: str = "none"
    parts: tuple[str, ...] = ()
    names: frozenset[str] = frozenset()

    def route(self, batch):
        return []


class Stating(Plain):
    """A router that says which files it is."""

    name: ClassVar[str] = "stating"

    def content_files(self):
        return [self.weights]


@pytest.mark.parametrize("unit", [Plain, Stating])
def test_a_unit_is_its_settings_and_the_contents_that_they_name(tmp_path, unit):
    (tmp_path / "a").write_text("1")
    (tmp_path / "b").write_text("1")
    one, other = (unit.create({"weights": str(tmp_path / name)}) for name in "ab")
    assert unit_identity(one) == unit_identity(other)
    (tmp_path / "b").write_text("2")
    assert unit_identity(one) != unit_identity(other)
    assert differing_parts({"router": unit_identity(one)}, {"router": unit_identity(other)}) == [
        "router (weights)" if unit is Plain else "router (files)"
    ]
    assert unit_identity(unit.create({"table": "some"})) != unit_identity(unit.create({"table": "none"}))
    assert json.loads(json.dumps(unit_identity(one))) == unit_identity(one)


def test_settings_that_name_nothing_are_texts(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "t").write_text("1")
    found = unit_identity(Plain.create({"table": ".", "parts": ["t", "/", "x" * 300, "a\0b"]}))["settings"]
    assert found["table"] == "."
    assert found["parts"] == [f"contents {content_digest(tmp_path / 't')}", "/", "x" * 300, "a\0b"]
    assert found["weights"] == "router.bin"
    names = {"names": {"c", "a", "b", "d"}}
    assert unit_identity(Plain.create(names))["settings"]["names"] == ["a", "b", "c", "d"]
    assert unit_identity(Stating.create(names))["settings"]["names"] == ["a", "b", "c", "d"]


PLUGIN = '''
from typing import ClassVar
from megaasr import Route, Router, hookimpl

class {name}(Router):
    """Nowhere."""
    name: ClassVar[str] = "{name}"

    def route(self, batch):
        return [Route(None, "base")] * len(batch)

@hookimpl
def register_routers(register):
    register({name})
'''


def test_plugins_are_files_by_content_and_what_is_used_by_version(tmp_path):
    for folder, name in (("one", "alpha"), ("two", "beta")):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "same.py").write_text(PLUGIN.format(name=name))
    (tmp_path / "alone.py").write_text(PLUGIN.format(name="gamma"))
    files = [str(tmp_path / name) for name in ("one/same.py", "two/same.py", "alone.py")]
    found = plugins_identity(load_plugins(files), [("router", "always_base"), ("router", "no such router")])
    assert list(found) == ["alone.py", "same.py"]
    assert len(found["same.py"].split()) == 2
    (tmp_path / "alone.py").write_text(PLUGIN.format(name="gamma") + "\n")
    assert plugins_identity(load_plugins(files))["alone.py"] != found["alone.py"]


def test_a_difference_names_parts_and_what_is_inside_them():
    before = {"adapter": "1", "options": {"batch_size": 1, "convert": False}, "router": {"settings": {"a": {"b": 1}}}}
    now = {"adapter": None, "options": {"batch_size": 2, "convert": False}, "router": {"settings": {"a": {"b": 2}}}}
    assert differing_parts(before, now) == ["adapter", "options (batch_size)", "router (b)"]
    assert difference(before, now) == "the adapter, the options (batch_size) and the router (b) differ"
    assert difference(before, {**before, "options": None}) == "the options differ"
    assert difference(before, before) == ""
    assert difference({}, {"rewards": {}}) == "the rewards differ"


def test_rows_are_their_fields_in_their_order():
    assert rows_digest([{"a": 1, "b": "\ud800"}]) == rows_digest([{"b": "\ud800", "a": 1}])
    assert rows_digest([{"a": 1}, {"a": 2}]) != rows_digest([{"a": 2}, {"a": 1}])
    assert rows_digest([{"a": 1}]) != rows_digest([{"a": "1"}])
    digest = RowsDigest()
    assert digest.hexdigest() == rows_digest([])


def test_data_are_the_rows_as_they_are_read_and_the_recordings(tmp_path):
    """Kaldi's texts lie beside the file that is named; a broken row and a recording that is gone count too."""
    (tmp_path / "wav.scp").write_text("a a.wav\nb b.wav\n")
    (tmp_path / "text").write_text("a some words\nb others\n")
    before = data_identity([tmp_path / "wav.scp"])
    assert data_identity([tmp_path / "wav.scp"]) == before
    (tmp_path / "text").write_text("a more words\nb others\n")
    texts = data_identity([tmp_path / "wav.scp"])
    assert [name for name in before if texts[name] != before[name]] == ["manifest"]
    (tmp_path / "b.wav").write_bytes(b"sound")
    sounds = data_identity([tmp_path / "wav.scp"])
    assert [name for name in before if texts[name] != sounds[name]] == ["recordings"]
    (tmp_path / "m.jsonl").write_text('{"audio": 3}\n{\n')
    assert data_identity([tmp_path / "m.jsonl"]) != data_identity([])

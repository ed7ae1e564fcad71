"""The identity of a run: contents of files, code, units, plugins and data, and the record that is kept of it."""

import json
import os
from pathlib import Path
from typing import ClassVar

import pytest

from megaasr import (
    MegaasrError,
    OutputError,
    Router,
    RowsDigest,
    RunRecord,
    claim_identity,
    code_identity,
    content_digest,
    data_identity,
    differing_parts,
    load_plugins,
    plugins_identity,
    read_record,
    record_path,
    resumable_rows,
    rows_digest,
    unit_identity,
    write_record,
)
from megaasr.library import code_identity as code_module
from megaasr.library import content_digests
from megaasr.library.content_digests import MISSING
from megaasr.library.identity_differences import difference

LARGE = content_digests.CACHED_FROM_BYTES
LONG_AGO_NS = 10**18


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    """A cache of its own, and the number of files that are read."""
    monkeypatch.setenv("MEGAASR_CACHE", str(tmp_path / "cache"))
    reads, read = [], content_digests._read
    monkeypatch.setattr(content_digests, "_read", lambda file: reads.append(file.name) or read(file))
    return reads


def rewritten(path, data):
    """Write other bytes, and give the file its time of change back."""
    before = path.stat()
    path.write_bytes(data)
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))


def test_a_file_is_its_bytes_wherever_it_lies(tmp_path):
    for name in ("a", "b"):
        (tmp_path / name).write_bytes(b"weights")
    assert content_digest(tmp_path / "a") == content_digest(tmp_path / "b")
    before = content_digest(tmp_path / "a")
    rewritten(tmp_path / "a", b"Weights")
    assert content_digest(tmp_path / "a") != before
    assert content_digest(tmp_path / "nothing") == content_digest(Path("a\0b")) == MISSING


def test_a_folder_is_its_files_without_notes_and_hidden_ones(tmp_path):
    folder = tmp_path / "adapter"
    (folder / "deep").mkdir(parents=True)
    (folder / "adapter_config.json").write_text("{}")
    (folder / "deep" / "weights").write_text("1")
    before = content_digest(folder)
    (folder / "README.md").write_text("what it is")
    (folder / ".cache").mkdir()
    (folder / ".cache" / "x").write_text("x")
    assert content_digest(folder) == before
    folder.rename(tmp_path / "moved")
    assert content_digest(tmp_path / "moved") == before
    (tmp_path / "moved" / "deep" / "weights").write_text("2")
    assert content_digest(tmp_path / "moved") != before
    (tmp_path / "moved" / "deep" / "weights").write_text("1")
    (tmp_path / "moved" / "deep").rename(tmp_path / "moved" / "other")
    assert content_digest(tmp_path / "moved") != before
    (tmp_path / os.fsdecode(b"n\xff")).mkdir()
    (tmp_path / os.fsdecode(b"n\xff") / os.fsdecode(b"w\xff")).write_text("1")
    assert content_digest(tmp_path / os.fsdecode(b"n\xff")) != MISSING
    (tmp_path / "empty").mkdir()
    assert content_digest(tmp_path / "empty") == MISSING


@pytest.mark.skipif(os.geteuid() == 0, reason="nothing is unreadable to root")
def test_a_file_that_cannot_be_read_is_one_line(tmp_path):
    (tmp_path / "a").write_text("x")
    (tmp_path / "a").chmod(0)
    with pytest.raises(MegaasrError, match=r"cannot read .*a: Permission denied"):
        content_digest(tmp_path / "a")


@pytest.fixture
def settled(monkeypatch):
    """Let a file count as one that nobody is writing any more."""
    monkeypatch.setattr(content_digests, "SETTLED_NS", -1)


@pytest.mark.usefixtures("settled")
def test_a_large_file_is_read_once_and_again_when_it_has_changed(tmp_path, cache):
    path = tmp_path / "model.safetensors"
    path.write_bytes(bytes(LARGE))
    os.utime(path, ns=(LONG_AGO_NS, LONG_AGO_NS))
    first = content_digest(path)
    assert content_digest(path) == first
    assert cache == ["model.safetensors"]
    rewritten(path, bytes(LARGE - 1) + b"x")  # of one size and time of change
    assert content_digest(path) != first
    assert len(cache) == 2
    path.rename(tmp_path / "elsewhere")
    path.write_bytes(bytes(LARGE))
    os.utime(path, ns=(LONG_AGO_NS, LONG_AGO_NS))
    assert content_digest(path) == first
    assert len(cache) == 3


def test_the_digest_of_a_file_that_is_being_written_is_not_kept(tmp_path, cache):
    path = tmp_path / "model.safetensors"
    path.write_bytes(bytes(LARGE))
    assert content_digest(path) == content_digest(path)
    assert len(cache) == 2


@pytest.mark.usefixtures("settled")
@pytest.mark.parametrize("content", ["", "[]", "{}", '{"state": 1, "digest": "x"}', '{"state": STATE, "digest": "x"}'])
def test_a_damaged_cache_costs_time_alone(tmp_path, cache, content):
    path = tmp_path / "model.safetensors"
    path.write_bytes(bytes(LARGE))
    first = content_digest(path)
    (kept,) = (tmp_path / "cache" / "digests").iterdir()
    kept.write_text(content.replace("STATE", json.dumps(json.loads(kept.read_text())["state"])))
    assert content_digest(path) == first
    assert len(cache) == 2


@pytest.mark.usefixtures("settled")
def test_a_cache_that_cannot_be_written_costs_time_alone(tmp_path, cache):
    (tmp_path / "cache").write_text("no folder")
    path = tmp_path / "model.safetensors"
    path.write_bytes(bytes(LARGE))
    assert content_digest(path) == content_digest(path)
    assert len(cache) == 2


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

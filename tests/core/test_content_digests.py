"""Digests of the contents of files and folders, and the cache of those of large files."""

import json
import os
from pathlib import Path

import pytest

from megaasr import (
    MegaasrError,
    content_digest,
)
from megaasr.library import content_digests
from megaasr.library.content_digests import MISSING

LARGE = content_digests.CACHED_FROM_BYTES
LONG_AGO_NS = 10**18


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    """A cache of its own, and the number of files that are read."""
    monkeypatch.setenv("MEGAASR_CACHE", str(tmp_path / "cache"))
    reads, read = [], content_digests.file_digest
    monkeypatch.setattr(content_digests, "file_digest", lambda file: reads.append(file.name) or read(file))
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

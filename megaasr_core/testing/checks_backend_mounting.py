"""Checks of how a backend mounts adapters: whole or not at all, and beside the base."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from functools import partial
from pathlib import Path

from ..base.errors import AdapterError
from ..contracts.backend import AdapterReport
from .backend_runs import backend_clips, expect_error, transcripts
from .guards import attempt, expect
from .plugin_under_test import Subject


def mounted_is_sorted(subject: Subject) -> None:
    """`mounted` gives a sorted tuple of names."""
    names = subject.unit.mounted()
    expect(
        isinstance(names, tuple) and names == tuple(sorted(names)),
        f"mounted() gives {names!r}; a sorted tuple is expected",
    )


def wrong_adapters_are_refused(subject: Subject) -> None:
    """What is no adapter is an AdapterError, and leaves nothing mounted."""
    before = subject.unit.mounted()
    with tempfile.TemporaryDirectory() as name:
        for what, folder in _wrong_adapters(Path(name)):
            expect_error(partial(subject.unit.mount, "kit-wrong", folder), f"mounting {what}", AdapterError)
            mounted = subject.unit.mounted()
            expect(mounted == before, f"mounted() gives {mounted!r} after the refusal of {what}; it was {before!r}")


def _wrong_adapters(folder: Path) -> Iterator[tuple[str, Path]]:
    yield "a folder that does not exist", folder / "missing"
    (folder / "empty").mkdir()
    yield "an empty folder", folder / "empty"
    (folder / "garbage").mkdir()
    for name in ("adapter_config.json", "adapter_model.safetensors", "config.json", "model.safetensors", "notes.txt"):
        (folder / "garbage" / name).write_bytes(b"\x93not an adapter\x00" * 8)
    yield "a folder of files that are no adapter", folder / "garbage"
    yield "a file instead of a folder", folder / "garbage" / "notes.txt"


def mounting_leaves_the_base_unchanged(subject: Subject) -> None:
    """The base gives the same transcripts before, beside and after a mounted adapter."""
    unit, clips = subject.unit, backend_clips(subject)
    before = [one.text for one in transcripts(subject, clips, "a batch")]
    for name in ("kit-b", "kit-a"):
        report = attempt(f"mounting {subject.adapter}", partial(unit.mount, name, subject.adapter))
        expect(
            isinstance(report, AdapterReport) and report.name == name,
            f"mount() returns {report!r}; an AdapterReport is expected",
        )
    mounted_is_sorted(subject)
    mixed = transcripts(subject, clips, "base and adapter in turn", adapters=[None, "kit-a", None, "kit-b", None])
    expect(
        [one.adapter for one in mixed] == [None, "kit-a", None, "kit-b", None],
        f"names the adapters {[one.adapter for one in mixed]!r} of rows that asked for None, kit-a, None, kit-b, None",
    )
    for row in (0, 2, 4):
        expect(
            mixed[row].text == before[row],
            f"the base hears {mixed[row].text!r} beside an adapter, {before[row]!r} without",
        )
    for name in ("kit-a", "kit-b"):
        unit.unmount(name)
    expect(not {"kit-a", "kit-b"} & set(unit.mounted()), f"mounted() gives {unit.mounted()!r} after unmount()")
    after = [one.text for one in transcripts(subject, clips, "a batch")]
    expect(after == before, "the base hears otherwise after an adapter was mounted and unmounted")

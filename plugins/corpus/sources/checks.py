"""The conformance checks of a corpus source; they need no network and no copy of the corpus."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from functools import partial
from pathlib import Path

from megaasr.testing import Subject, attempt, expect


def checks(subject: Subject) -> list[Callable[[Subject], None]]:
    """The checks of a corpus source."""
    del subject
    return [describes_itself, parts_are_consistent, archives_are_complete, locates_nothing_in_an_empty_folder]


def describes_itself(subject: Subject) -> None:
    """Title, licence and homepage are not empty; every row contains or refers to them."""
    for field in ("title", "licence", "homepage"):
        expect(str(getattr(subject.thing, field)).strip(), f"has an empty {field}; every row must state it")
    expect(
        subject.thing.homepage.startswith("https://"), f"homepage {subject.thing.homepage!r} must begin with https://"
    )


def parts_are_consistent(subject: Subject) -> None:
    """The usual parts are a subset of the parts, and each part is named once."""
    source = subject.thing
    expect(source.parts, "has no part; give at least one name in parts=(...)")
    expect(len(set(source.parts)) == len(source.parts), f"names a part twice in {source.parts}")
    unknown = set(source.usual) - set(source.parts)
    expect(source.usual and not unknown, f"usual={source.usual} must name parts of {source.parts}")


def archives_are_complete(subject: Subject) -> None:
    """Archives have https addresses and hold existing parts; if there are archives, every part is in one of them."""
    source = subject.thing
    for archive in source.archives:
        expect(archive.url.startswith("https://"), f"archive {archive.url!r} must have an https address")
        expect(set(archive.parts) <= set(source.parts), f"archive {archive.name} holds {archive.parts}: unknown parts")
    held = {part for archive in source.archives for part in archive.parts}
    lacking = [part for part in source.parts if source.archives and part not in held]
    expect(not lacking, f"no archive holds the parts {lacking}")


def locates_nothing_in_an_empty_folder(subject: Subject) -> None:
    """`locate` returns None for an empty folder."""
    with tempfile.TemporaryDirectory() as folder:
        for part in subject.thing.parts:
            root = attempt(f"an empty folder, part {part}", partial(subject.thing.locate, Path(folder), part))
            expect(root is None, f"locate() returns {root} for an empty folder; None is expected")

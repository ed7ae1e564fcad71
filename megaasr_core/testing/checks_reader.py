"""Checks of a reader: it never raises when asked what it takes, and refuses what it cannot read in one line."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from ..base.errors import MegaasrError, one_line
from ..contracts.reader import LocatedRow, Reader
from . import checks_unit
from .case import essential
from .guards import attempt, expect, expect_no_file_written
from .plugin_under_test import Subject

ODD_PATHS = (
    ".", "..", "/", "missing", "missing.wav", "#", "a#b", "a#", "shard.tar#", "shard.tar#x.flac", "plan.json#",
    "plan.json#-1", "plan.json#7", "a b\tc", "日本語.flac", "x" * 300, "a\x00b.wav", "~", "*?[", "missing/deeper/a.wav",
)  # fmt: skip
"""As a manifest or a row may name them: folders, nothing, fragments, a name that is too long, a NUL."""


def checks(subject: Subject) -> list[Callable[[Subject], None]]:
    """The checks of a reader. It brings no example of its format: its own tests check what it reads."""
    return [
        *checks_unit.checks(subject),
        takes_something,
        takes_never_raises,
        takes_give_the_same_again,
        what_is_taken_can_be_read,
        missing_audio_is_refused,
        missing_manifest_is_refused,
        no_file_is_written,
    ]


@contextmanager
def _paths() -> Iterator[list[Path]]:
    """The odd paths as they are and below a folder, an empty file, a file of garbage and an empty folder."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "empty.jsonl").touch()
        (folder / "garbage.tar").write_bytes(b"\x00\xff" * 600)
        (folder / "folder").mkdir()
        existing = [folder / "empty.jsonl", folder / "garbage.tar", folder / "folder"]
        yield [*map(Path, ODD_PATHS), *(folder / odd for odd in ODD_PATHS), *existing]


def takes_something(subject: Subject) -> None:
    """It overrides `takes_manifest` or `takes_audio`, and what is read of that."""
    own = {name for name in vars(Reader) if getattr(subject.thing, name, None) is not vars(Reader)[name]}
    expect(
        {"takes_manifest", "takes_audio"} & own,
        "takes nothing: define takes_manifest and rows, or takes_audio and read",
    )
    for takes, reads in (("takes_manifest", "rows"), ("takes_audio", "read")):
        expect(takes not in own or reads in own, f"defines {takes}() without {reads}()")


@essential
def takes_never_raises(subject: Subject) -> None:
    """`takes_manifest` and `takes_audio` give a bool for any path: every command asks them about every path."""
    with _paths() as paths:
        for path in paths:
            for takes in (subject.unit.takes_manifest, subject.unit.takes_audio):
                answer = attempt(f"{takes.__name__}({str(path)[:60]!r})", partial(takes, path))
                expect(
                    isinstance(answer, bool),
                    f"{takes.__name__}({str(path)[:60]!r}) gives {answer!r}; True or False is expected",
                )


def takes_give_the_same_again(subject: Subject) -> None:
    """The answer for a path does not depend on the paths before."""
    unit = subject.unit
    with _paths() as paths:
        first = {path: (unit.takes_manifest(path), unit.takes_audio(path)) for path in paths}
        for path in reversed(paths):
            again = unit.takes_manifest(path), unit.takes_audio(path)
            expect(again == first[path], f"takes {str(path)[:60]!r}: {first[path]}, and {again} when asked again")


def what_is_taken_can_be_read(subject: Subject) -> None:
    """`exists` gives a bool for every recording that is taken."""
    with _paths() as paths:
        for path in filter(subject.unit.takes_audio, paths):
            answer = attempt(f"exists({str(path)[:60]!r})", partial(subject.unit.exists, path))
            expect(isinstance(answer, bool), f"exists({str(path)[:60]!r}) gives {answer!r}; True or False is expected")


def missing_audio_is_refused(subject: Subject) -> None:
    """A recording that it takes and that is not there is a MegaasrError of one line, in `read` and `read_clean`."""
    with _paths() as paths:
        for path in filter(subject.unit.takes_audio, paths):
            for read in (subject.unit.read, subject.unit.read_clean):
                _expect_refusal(f"{read.__name__}({str(path)[:60]!r})", partial(read, path))


def missing_manifest_is_refused(subject: Subject) -> None:
    """A manifest that it takes and that is not one is a MegaasrError of one line, or has no rows."""
    with _paths() as paths:
        for path in filter(subject.unit.takes_manifest, paths):
            if path.is_relative_to(tempfile.gettempdir()):  # what else is on this machine is not ours to read
                what = f"rows({str(path)[-60:]!r})"
                _expect_refusal(what, partial(_all_rows, subject, path), allowed=[])


def _all_rows(subject: Subject, manifest: Path) -> list[LocatedRow]:
    return list(subject.unit.rows(manifest))


def no_file_is_written(subject: Subject) -> None:
    """Asking and reading write no file beside the recordings."""
    with _paths() as paths:

        def ask() -> None:
            for path in paths:
                subject.unit.takes_manifest(path)
                if subject.unit.takes_audio(path):
                    subject.unit.exists(path)

        expect_no_file_written(ask, "takes_manifest(), takes_audio() and exists() only look")


def _expect_refusal(what: str, call: Callable[[], object], allowed: object = None) -> None:
    try:
        returned = call()
    except MegaasrError as error:
        expect("\n" not in str(error).strip(), f"the {type(error).__name__} of {what} has several lines")
    except Exception as error:
        message = (
            f"{type(error).__name__} of {what}: {one_line(error)}; a MegaasrError that says what is wrong is expected"
        )
        raise AssertionError(message) from error
    else:
        if allowed is None or returned != allowed:
            raise AssertionError(f"{what} gives {returned!r}, and nothing is there; a MegaasrError is expected")

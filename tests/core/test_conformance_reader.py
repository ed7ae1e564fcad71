"""The kit's checks of a reader: a good one passes, and each broken one trips the check that is meant for it."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np
import pytest

from megaasr import Audio, AudioError, ManifestError, Reader
from megaasr_core.testing import cases, failures, plugins_of


class Lists(Reader):
    """Read ``.list``, a file with a path a line, and ``a#b``, a recording beside another."""

    name: ClassVar[str] = "lists"

    def takes_manifest(self, path):
        return path.suffix in {".list", ".jsonl"}

    def rows(self, path):
        try:
            lines = path.read_text(encoding="utf-8").splitlines()
        except (OSError, ValueError) as error:
            raise ManifestError(f"{path}: cannot be read ({type(error).__name__})") from error
        for number, line in enumerate(lines, 1):
            yield f"{path}, line {number}", {"audio": line}

    def takes_audio(self, audio):
        return "#" in audio.name

    def exists(self, audio):
        return False

    def read(self, audio, limits=None):
        raise AudioError(f"{audio.name}: no such recording")


def test_a_good_reader_passes():
    assert failures(cases("reader:lists", plugins=plugins_of(Lists))) == {}


class Broken(Lists):
    """Broken."""

    name: ClassVar[str] = "broken"


class OpensIt(Broken):
    """Broken: looks into what may not be there."""

    def takes_manifest(self, path):
        with path.open("rb") as file:
            return file.read(4) == b"LIST"


class AnswersWithAMatch(Broken):
    """Broken."""

    def takes_audio(self, audio):
        return audio.name.count("#")


class Counts(Broken):
    """Broken: takes every other path."""

    asked: ClassVar[list[Any]] = []

    def takes_audio(self, audio):
        self.asked.append(audio)
        return len(self.asked) % 2 == 0 and "#" in audio.name


class GivesSilence(Broken):
    """Broken: silence for what is not there."""

    def read(self, audio, limits=None):
        return Audio(np.zeros(16_000, np.float32), 16_000)


class RaisesKeyError(Broken):
    """Broken."""

    def read(self, audio, limits=None):
        return {}[audio]


class ReadsAnything(Broken):
    """Broken: garbage ends in an exception of Python."""

    def rows(self, path):
        yield "line 1", {"audio": path.read_text(encoding="utf-8").splitlines()[0]}


class KeepsAnIndex(Broken):
    """Broken."""

    def takes_manifest(self, path):
        if path.name == "empty.jsonl" and path.is_file():
            path.with_suffix(".index").touch()
        return False


class TakesNothing(Reader):
    """Broken."""

    name: ClassVar[str] = "broken"


class CannotRead(Reader):
    """Broken."""

    name: ClassVar[str] = "broken"

    def takes_audio(self, audio):
        return False


BROKEN: list[tuple[type[Reader], set[str], str]] = [
    (OpensIt, {"takes_never_raises"}, "on takes_manifest('.'), which it must survive"),
    (AnswersWithAMatch, {"takes_never_raises"}, "gives 0; True or False is expected"),
    (Counts, {"takes_give_the_same_again"}, "when asked again"),
    (GivesSilence, {"missing_audio_is_refused"}, "and nothing is there; a MegaasrError is expected"),
    (RaisesKeyError, {"missing_audio_is_refused"}, "KeyError of read("),
    (ReadsAnything, {"missing_manifest_is_refused"}, "a MegaasrError"),
    (KeepsAnIndex, {"no_file_is_written"}, "empty.index"),
    (TakesNothing, {"takes_something"}, "takes nothing"),
    (CannotRead, {"takes_something"}, "defines takes_audio() without read()"),
]


@pytest.mark.parametrize(("reader", "tripped", "says"), BROKEN, ids=[one.__name__ for one, *_ in BROKEN])
def test_broken_reader_trips(reader: Any, tripped: set[str], says: str):
    failed = failures(cases("reader:broken", plugins=plugins_of(reader)))
    assert set(failed) == tripped
    assert any(says in line for line in failed.values()), failed
    assert all(line.startswith("reader broken: ") and "\n" not in line for line in failed.values())

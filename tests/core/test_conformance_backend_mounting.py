"""The kit's checks of mounting adapters on a backend; each fault trips the check that is meant for it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from pydantic import PrivateAttr

from megaasr import Transcript
from megaasr_core.contracts.backend import AdapterReport
from megaasr_core.testing import cases, plugins_of
from tests.core.fake_backend import Broken, Syllables, assert_trips


def test_mounting_is_checked_only_where_an_adapter_is_given(adapter):
    plugins = plugins_of(Syllables)
    without = {case.name for case in cases("backend:syllables", plugins=plugins)}
    given = {case.name for case in cases("backend:syllables", plugins=plugins, adapter=adapter)}
    assert given - without == {"mounting_leaves_the_base_unchanged"}


class ListsItsAdapters(Broken):
    """Broken."""

    def mounted(self):
        return list(self._adapters)


class KeepsTheAdapter(Broken):
    """Broken: mounting changes the base for good."""

    _factor: float = PrivateAttr(1.0)

    def words(self, clip, scale):
        return super().words(clip, scale * self._factor)

    def mount(self, name, folder):
        self._factor *= 3.0
        return super().mount(name, folder)


class ForgetsTheAdapter(Broken):
    """Broken: does not say which adapter heard it."""

    def one(self, clip, options, adapter):
        heard = super().one(clip, options, adapter)
        return Transcript(heard.text, heard.language, num_tokens=heard.num_tokens, duration_s=heard.duration_s)


class MountsAnything(Broken):
    """Broken: reads the adapter when it is first used."""

    def mount(self, name, folder):
        self._adapters[name] = 1.0
        return AdapterReport(name, 1, 1, ("scale",))


class MountsTheEmpty(Broken):
    """Broken."""

    def mount(self, name, folder):
        if Path(folder).is_dir() and not any(Path(folder).iterdir()):
            return AdapterReport(name, 0, 0, ())
        return super().mount(name, folder)


class CannotReadGarbage(Broken):
    """Broken."""

    def mount(self, name, folder):
        for path in sorted(Path(folder).glob("*.json")):
            path.read_text(encoding="utf-8")
        return super().mount(name, folder)


class KeepsTheRefused(Broken):
    """Broken."""

    def mount(self, name, folder):
        self._adapters[name] = 1.0
        return super().mount(name, folder)


BROKEN: list[tuple[type[Broken], set[str], str]] = [
    (ListsItsAdapters, {"mounted_is_sorted", "mounting_leaves_the_base_unchanged"}, "a sorted tuple is expected"),
    (KeepsTheAdapter, {"mounting_leaves_the_base_unchanged"}, "the base hears"),
    (ForgetsTheAdapter, {"mounting_leaves_the_base_unchanged"}, "names the adapters"),
    (MountsAnything, {"wrong_adapters_are_refused"}, "takes mounting a folder that does not exist"),
    (MountsTheEmpty, {"wrong_adapters_are_refused"}, "takes mounting an empty folder"),
    (CannotReadGarbage, {"wrong_adapters_are_refused"}, "UnicodeDecodeError on mounting a folder of files that are no"),
    (KeepsTheRefused, {"wrong_adapters_are_refused"}, "mounted() gives ('kit-wrong',) after the refusal"),
]


@pytest.mark.parametrize(("backend", "tripped", "says"), BROKEN, ids=[one.__name__ for one, *_ in BROKEN])
def test_broken_backend_trips(backend: Any, tripped: set[str], says: str, adapter):
    assert_trips(backend, tripped, says, adapter)

"""What a primitive must do about banks of recorded sounds: declare each that it asks for."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace

from ..base.sound_bank import SoundBank
from .guards import expect
from .plugin_under_test import Subject
from .primitive_runs import applied
from .signals import speech_like


class _Asked(Mapping[str, SoundBank]):
    """Banks that remember which of them were asked for."""

    def __init__(self, banks: Mapping[str, SoundBank]) -> None:
        self._banks = banks
        self.names: set[str] = set()

    def __getitem__(self, name: str) -> SoundBank:
        self.names.add(name)
        return self._banks[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._banks)

    def __len__(self) -> int:
        return len(self._banks)

    def __contains__(self, name: object) -> bool:
        return name in self._banks


def banks_are_declared(subject: Subject) -> None:
    """A bank that is not declared cannot be given on the command line."""
    asked = _Asked(subject.banks)
    applied(replace(subject, banks=asked), speech_like(duration_s=1.0))
    missing = sorted(asked.names - set(subject.thing.banks))
    expect(not missing, f"asks for the bank {', '.join(missing)} without declaring it; set banks = {tuple(missing)!r}")

"""Expands file and folder arguments to a list of recordings."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from megaasr_core.base.errors import AudioError
from megaasr_core.base.sound_bank import SUFFIXES


def find_recordings(named: Iterable[Path]) -> list[Path]:
    """The files in the given order; a folder is replaced by the recordings below it, sorted by path.

    Raises:
        AudioError: a folder without recordings.
    """
    recordings: list[Path] = []
    for path in named:
        if path.is_dir():
            inside = sorted(file for file in path.rglob("*") if file.suffix.lower() in SUFFIXES)
            if not inside:
                raise AudioError(f"{path}: holds no recordings ({', '.join(SUFFIXES)})")
            recordings += inside
        else:
            recordings.append(path)
    return recordings

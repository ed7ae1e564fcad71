"""The recordings that a user names: files as they are, folders by what they hold."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from .errors import AudioError
from .sound_bank import SUFFIXES


def find_recordings(named: Iterable[Path]) -> list[Path]:
    """Files in the order given; a folder stands for the recordings below it, sorted by path.

    Raises:
        AudioError: a folder without recordings.
    """
    found: list[Path] = []
    for path in named:
        if path.is_dir():
            inside = sorted(one for one in path.rglob("*") if one.suffix.lower() in SUFFIXES)
            if not inside:
                raise AudioError(f"{path}: holds no recordings ({', '.join(SUFFIXES)})")
            found += inside
        else:
            found.append(path)
    return found

"""The recordings below a folder: one rule for what is transcribed and for banks of sounds."""

from __future__ import annotations

import logging
import os
from collections import deque
from collections.abc import Iterator
from pathlib import Path

from megaasr import AudioError, one_line

from . import av_sound

LOG = logging.getLogger("megaasr")
SUFFIXES = (
    *(".wav", ".flac", ".ogg", ".oga", ".opus", ".mp3", ".aiff", ".aif", ".aifc", ".au", ".snd", ".caf", ".w64"),
    *(".rf64", ".wave", ".sph", ".nist", ".voc"),
)
"""Of what libsndfile reads; `av_sound.SUFFIXES` are the others."""


def below(folder: Path) -> list[Path]:
    """The files below a folder whose suffix is of a recording, sorted by path; AudioError if a folder cannot be read.

    Links are followed, and each real folder is looked at once. Names that begin with a dot are hidden and left out.
    Files that only a library which is not installed reads are left out, with one line in the log.
    """
    files = sorted(path for path in _visible_files(folder) if path.suffix.lower() in {*SUFFIXES, *av_sound.SUFFIXES})
    if av_sound.is_installed() or not (left_out := [path for path in files if path.suffix.lower() not in SUFFIXES]):
        return files
    shown = f"{left_out[0].relative_to(folder)}{', …' if len(left_out) > 1 else ''}"
    LOG.warning("megaasr: note: %s: left out %d (%s); %s reads them", folder, len(left_out), shown, av_sound.INSTALL)
    return [path for path in files if path.suffix.lower() in SUFFIXES]


def _visible_files(root: Path) -> Iterator[Path]:
    """Regular files, and links to nothing, which are told when they are read; real folders come before linked ones."""
    waiting, seen = deque([root]), set[tuple[int, int]]()
    while waiting:
        folder = waiting.popleft()
        try:
            status = folder.stat()
            if (status.st_dev, status.st_ino) in seen:
                continue
            seen.add((status.st_dev, status.st_ino))
            entries = [folder / name for name in os.listdir(folder) if not name.startswith(".")]  # noqa: PTH208
        except OSError as error:
            raise AudioError(f"{folder}: cannot be read ({error.strerror or one_line(error)})") from error
        for path in sorted(entries):
            if path.is_dir():
                (waiting.append if path.is_symlink() else waiting.appendleft)(path)
            elif path.is_file() or (path.is_symlink() and not path.exists()):
                yield path

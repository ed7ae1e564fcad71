"""Recordings that a call names: files and folders, and standard input."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from pathlib import Path

from megaasr_core.base.audio import Audio
from megaasr_core.base.audio_files import AudioLimits, decode_audio, recordings, spooled
from megaasr_core.base.errors import AudioError


def find_recordings(named: Iterable[str | Path]) -> list[Path]:
    """The files in the given order; a folder is replaced by the recordings below it, sorted.

    Links are followed, hidden files are left out, and files that only a library which is not installed reads are told
    of in one line of the log.

    Args:
        named: as strings where they come from a user: an empty one is a mistake, and ``Path("")`` the current folder.

    Raises:
        AudioError: an empty path, or a folder without recordings.
    """
    found: list[Path] = []
    for name in named:
        if name == "":
            raise AudioError("an empty path is given where a recording is expected; name a file or a folder")
        path = Path(name)
        if path.is_dir():
            if not (inside := recordings().below(path)):
                raise AudioError(f"{path}: holds no recordings that can be read; name a folder that does")
            found += inside
        else:
            found.append(path)
    return found


def read_standard_input(limits: AudioLimits | None = None) -> Audio:
    """The recording that comes by standard input, in any format that a file may have; its name is ``-``.

    Raises:
        AudioError: as `read_audio`; or nothing comes.
    """
    if sys.stdin is None:
        raise AudioError("-: standard input is closed; name a file")
    with spooled(sys.stdin.buffer, "-") as stream:
        return decode_audio(stream, "-", limits)

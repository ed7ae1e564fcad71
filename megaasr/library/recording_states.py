"""Whether recordings are still what they were: a digest of their files' sizes and times of change."""

from __future__ import annotations

import os
from collections.abc import Iterable
from functools import lru_cache
from hashlib import blake2b
from pathlib import Path

from megaasr_core.discovery.plugins import Plugins

from .manifests import files_of

KEPT = 4096
"""Files whose state is kept, since rows of one shard follow each other, and samples of a plan share their sounds."""


class RecordingsState:
    """Digest of the size and the time of change (ns) of each recording's files, for the identity of a run.

    A run that goes on after a recording has changed would otherwise keep the old recording's words. A file that is
    copied anew with another time counts as changed, as in rsync and make: reading all the sound would cost more than
    what it saves. Of ``shard.tar#member`` the tar counts; of ``plan.json#NUMBER`` the plan, the clean recording, and
    the noises and impulse responses of its recipe.

    Args:
        plugins: whose readers say which files a recording is made of; the installed ones if not given.
    """

    def __init__(self, plugins: Plugins | None = None) -> None:
        self._plugins = plugins
        self._digest = blake2b(digest_size=16)
        self._state = lru_cache(maxsize=KEPT)(_state)

    def add(self, recording: Path) -> None:
        """Count a recording, as a row names it; one that is missing counts as such."""
        self.add_files(files_of(recording, self._plugins))

    def add_files(self, files: Iterable[Path]) -> None:
        """Count files; one that is missing counts as such."""
        for file in files:
            self._digest.update(self._state(str(file)))  # of a text, which is hashed much faster than a path

    def hexdigest(self) -> str:
        """The digest of what was counted so far."""
        return self._digest.hexdigest()


def recordings_state(recordings: Iterable[Path], plugins: Plugins | None = None) -> str:
    """The digest of `RecordingsState` of all the recordings, in their order."""
    state = RecordingsState(plugins)
    for recording in recordings:
        state.add(recording)
    return state.hexdigest()


def _state(file: str) -> bytes:
    try:
        there = os.stat(file)  # noqa: PTH116
    except (OSError, ValueError):  # a name with a null byte is a ValueError
        return b"none;"
    return b"%d %d;" % (there.st_size, there.st_mtime_ns)

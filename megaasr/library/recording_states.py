"""Whether recordings are still what they were: a digest of their files' sizes and times of change."""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from hashlib import blake2b
from pathlib import Path

from megaasr_core.discovery.plugins import Plugins

from .manifests import files_of

KEPT = 1024
"""Files whose state is kept, since rows of one shard follow each other."""


def recordings_state(recordings: Iterable[Path], plugins: Plugins | None = None) -> str:
    """Digest of the size and the time of change (ns) of each recording's files, for the `fingerprint` of a run.

    A run that goes on after a recording has changed would otherwise keep the old recording's words. A file that is
    copied anew with another time counts as changed, as in rsync and make: reading all the sound would cost more than
    what it saves. Of ``shard.tar#member`` the tar counts, of ``plan.json#NUMBER`` the plan and the clean recording.

    Args:
        recordings: as rows name them; one that is missing counts as such.
        plugins: whose readers say which files a recording is made of; the installed ones if not given.
    """
    digest = blake2b(digest_size=16)
    state = lru_cache(maxsize=KEPT)(_state)
    for recording in recordings:
        for file in files_of(recording, plugins):
            digest.update(state(file).encode())
    return digest.hexdigest()


def _state(file: Path) -> str:
    try:
        there = file.stat()
    except (OSError, ValueError):  # a name with a null byte is a ValueError
        return "none;"
    return f"{there.st_size} {there.st_mtime_ns};"

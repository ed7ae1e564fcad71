"""The folder of a run: locked while the run fills it, known by its identity, cleared of unfinished files."""

from __future__ import annotations

import os
import re
import shutil
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from megaasr_core.base.errors import OutputError, one_line

from .json_files import read_json, write_json

UNFINISHED = re.compile(r"\..+\.\d+\.tmp(\.\w+)?")
"""The names that `atomic_path` and `temporary_name` give."""
LOCK_WAIT_S = 5.0
"""A run that was killed holds the folder until the last of its processes is gone, which takes a moment."""


def temporary_name(path: Path) -> Path:
    """A name beside `path` that the next run clears away, should this one be killed."""
    return path.with_name(f".{path.stem}.{os.getpid()}.tmp{path.suffix}")


@contextmanager
def run_folder(folder: Path) -> Iterator[None]:
    """Create the folder if it is missing, lock it against other runs, and remove unfinished files before and after.

    Raises:
        OutputError: it cannot be made or written to, or another run is filling it.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        lock = os.open(folder, os.O_RDONLY)
    except OSError as error:
        raise OutputError(f"cannot write in {folder}: {error.strerror or one_line(error)}") from error
    try:
        _lock(lock, folder)
        clear_unfinished(folder)
        try:
            yield
        finally:
            clear_unfinished(folder)  # of workers that died
    finally:
        os.close(lock)


def _lock(lock: int, folder: Path) -> None:
    try:
        import fcntl
    except ImportError:  # a system without such locks
        return None
    until = time.monotonic() + LOCK_WAIT_S
    while True:
        try:
            return fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            if time.monotonic() > until:
                raise OutputError(f"cannot write in {folder}: another run is filling it; wait for its end") from error
            time.sleep(0.05)
        except OSError:  # a file system without locks
            return None


def claim_identity(file: Path, identity: Mapping[str, Any], *, other: str, foreign: Iterable[str] = ("*",)) -> None:
    """Write what identifies the run of a folder, or compare it with what an earlier run has written.

    Args:
        file: of the identity, in the folder.
        identity: everything that decides what the run writes, as a JSON object.
        other: what a folder with another identity holds, for the message: ``a run of another configuration``.
        foreign: patterns of names that a folder without an identity must not hold.

    Raises:
        OutputError: the folder belongs to another run, or to something else.
    """
    if not file.exists():
        refuse_foreign(file, foreign)
        write_json(file, identity)
        return
    before = read_json(file)
    differing = [name for name in {**before, **identity} if before.get(name) != identity.get(name)]
    if differing:
        raise OutputError(
            f"{file.parent}: holds {other} (different: {', '.join(differing)}); remove it or name another folder"
        )


def refuse_foreign(file: Path, names: Iterable[str]) -> None:
    """OutputError when the folder that lacks `file` holds a file or folder that fits one of the names."""
    for pattern in names:
        for path in file.parent.glob(pattern):
            raise OutputError(
                f"{file.parent}: holds {path.name} but no {file.name}: it is of something else; name another folder"
            )


def clear_unfinished(folder: Path) -> None:
    """Remove what was being written when a run was killed."""
    for path in folder.iterdir():
        if UNFINISHED.fullmatch(path.name):
            if path.is_dir():
                shutil.rmtree(path, ignore_errors=True)
            else:
                path.unlink(missing_ok=True)

"""A folder that one run at a time fills, and in which what a killed run left is cleared away."""

from __future__ import annotations

import os
import re
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from .errors import OutputError, one_line

UNFINISHED = re.compile(r"\..+\.\d+\.tmp(\.\w+)?")
"""The names that `atomic_path` and `temporary_name` give."""
LOCK_WAIT_S = 5.0
"""A run that was killed holds the folder until the last of its processes is gone, which takes a moment."""


def temporary_name(path: Path) -> Path:
    """A name beside `path` that the next run clears away, should this one be killed."""
    return path.with_name(f".{path.stem}.{os.getpid()}.tmp{path.suffix}")


@contextmanager
def claimed(folder: Path) -> Iterator[None]:
    """Make the folder if need be, keep other runs out of it, and clear away unfinished files before and after.

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


def clear_unfinished(folder: Path) -> None:
    """Remove what was being written when a run was killed."""
    for path in folder.iterdir():
        if UNFINISHED.fullmatch(path.name):
            if path.is_dir():
                shutil.rmtree(path, ignore_errors=True)
            else:
                path.unlink(missing_ok=True)

"""Which files a plugin creates, changes or removes while it is called."""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Callable
from contextlib import chdir
from functools import cache
from pathlib import Path
from typing import Any

WRITING_MODES = frozenset("wax+")
WRITING_FLAGS = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_TRUNC
PATH_EVENTS = frozenset({"os.mkdir", "os.rename", "os.remove", "os.rmdir", "os.link", "os.symlink", "os.truncate"})
ALLOWED_SUFFIXES = (".pyc", ".nbi", ".nbc")
"""Compiled code that Python and numba keep."""

_watches: list[list[str]] = []
"""The lists of the watches that are under way, to which the audit hook adds."""


def written_files(call: Callable[[], object]) -> list[str]:
    """Paths that `call` opens for writing, creates, renames or removes; sorted, each once.

    Writing by Python code is seen everywhere. Writing by a library in C is seen in the folder for temporary files and
    in the current folder, where it counts if a second call writes into another current folder too: other processes
    write there as well. Compiled code that Python and numba keep is left out.
    """
    _install_hook()
    written: list[str] = []
    previous = tempfile.tempdir
    before = _entries(Path.cwd())
    with tempfile.TemporaryDirectory(prefix="megaasr-kit-") as folder:
        tempfile.tempdir = folder
        _watches.append(written)
        try:
            call()
        finally:
            _watches.remove(written)
            tempfile.tempdir = previous
        new = _entries(Path.cwd()) - before
        written += _entries(Path(folder)) | (new if new and _writes_into_current_folder(call) else set())
    return sorted({path for path in written if _counts(path)})


def _writes_into_current_folder(call: Callable[[], object]) -> bool:
    with tempfile.TemporaryDirectory(prefix="megaasr-kit-") as folder, chdir(folder):
        call()
        return bool(_entries(Path(folder)))


def _entries(folder: Path) -> set[str]:
    return {str(path) for path in folder.iterdir()} if folder.is_dir() else set()


def _counts(path: str) -> bool:
    return not (path.endswith(ALLOWED_SUFFIXES) or "__pycache__" in path or path.startswith(("/dev/", "/proc/")))


@cache
def _install_hook() -> None:
    sys.addaudithook(_hook)  # for good: Python cannot remove a hook, so it does nothing while no watch is under way


def _hook(event: str, arguments: tuple[Any, ...]) -> None:
    if not _watches:
        return
    if event == "open":
        path, mode, flags = arguments
        if isinstance(path, (str, bytes, os.PathLike)) and _writes(mode, flags):
            _note(path)
    elif event in PATH_EVENTS:
        _note(arguments[0])


def _writes(mode: Any, flags: Any) -> bool:
    if isinstance(mode, str):
        return bool(WRITING_MODES & set(mode))
    return isinstance(flags, int) and bool(flags & WRITING_FLAGS)


def _note(path: Any) -> None:
    if isinstance(path, (str, bytes, os.PathLike)):
        for watch in _watches:
            watch.append(os.path.abspath(os.fsdecode(path)))  # noqa: PTH100

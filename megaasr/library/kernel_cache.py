"""Where numba keeps compiled kernels: beside the code if that can be written, else in the cache folder of megaasr."""

from __future__ import annotations

import logging
import os
import stat
import sys
import tempfile
from functools import cache
from pathlib import Path

from megaasr_core.base.errors import OutputError, one_line

CACHE, NUMBA = "MEGAASR_CACHE", "NUMBA_CACHE_DIR"


@cache
def use_kernel_cache(code: Path) -> Path:
    """Let numba keep what it compiles of the folder `code` where it can be written; call it before `njit`.

    Beside the code, else below MEGAASR_CACHE, else in the user's cache folder, else, with a note, in the folder for
    temporary files, where only a folder of this user that no other can write is taken: it holds code that is run.

    Raises:
        OutputError: MEGAASR_CACHE names a folder that cannot be written, or there is none at all.
    """
    if named := os.environ.get(NUMBA):
        return Path(named)
    if not _fault(code / "__pycache__"):
        return code / "__pycache__"
    if named := os.environ.get(CACHE):
        folder = Path(named) / "kernels"
        if fault := _fault(folder):
            raise OutputError(f"cannot keep compiled kernels in {folder}: {fault}; set {CACHE} to a folder to write")
    else:
        folder = _without_a_name()
    os.environ[NUMBA] = str(folder)  # worker processes inherit it
    if "numba" in sys.modules:
        sys.modules["numba"].config.CACHE_DIR = str(folder)
    return folder


def _without_a_name() -> Path:
    from platformdirs import user_cache_path

    usual = user_cache_path("megaasr", appauthor=False) / "kernels"
    if not (fault := _fault(usual)):
        return usual
    folder = Path(tempfile.gettempdir()) / f"megaasr-{getattr(os, 'getuid', int)()}"
    if _fault(folder) or not _is_private(folder):
        try:
            folder = Path(tempfile.mkdtemp(prefix="megaasr-"))
        except OSError as error:
            raise OutputError(f"no folder for compiled kernels ({one_line(error)}); set {CACHE} to one") from error
    note = f"{usual} cannot be written ({fault}): kernels are kept in {folder}; set {CACHE} to a lasting folder"
    logging.getLogger("megaasr").warning("megaasr: note: %s", note)
    return folder


def _fault(folder: Path) -> str:
    """Why no file can be made in a folder, which is made if it is missing; empty if one can be."""
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            return ""
    except OSError as error:
        return error.strerror or one_line(error)


def _is_private(folder: Path) -> bool:
    there = folder.lstat()
    return stat.S_ISDIR(there.st_mode) and there.st_uid == os.getuid() and not there.st_mode & 0o077

"""The folder of a run: locked while the run fills it, known by its identity, cleared of unfinished files."""

from __future__ import annotations

import os
import re
import shutil
import time
from collections.abc import Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from megaasr_core.base.errors import OutputError, one_line

from .fingerprints import as_json
from .identity_differences import differing_parts
from .json_files import read_json, write_json
from .output_locks import lock

UNFINISHED = re.compile(r"\..*\.[0-9a-f]+\.tmp(\..*)?", re.DOTALL)
"""The names that `atomic_path` and `temporary_name` give; earlier versions had the number of the process in them."""
LOCK_WAIT_S = 5.0
"""A run that was killed holds the folder until the last of its processes is gone, which takes a moment."""


@contextmanager
def run_folder(folder: Path) -> Iterator[None]:
    """Create the folder if it is missing, lock it against other runs, and remove unfinished files before and after.

    Raises:
        OutputError: it cannot be made or written to, or another run is filling it.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(folder, os.O_RDONLY)
    except OSError as error:
        raise OutputError(f"cannot write in {folder}: {error.strerror or one_line(error)}") from error
    try:
        if not lock(descriptor, time.monotonic() + LOCK_WAIT_S):
            raise OutputError(f"cannot write in {folder}: another run is filling it; wait for its end")
        clear_unfinished(folder)
        try:
            yield
        finally:
            clear_unfinished(folder)  # of workers that died
    finally:
        os.close(descriptor)


def claim_identity(
    file: Path, identity: Mapping[str, Any], *, other: str, foreign: Iterable[str] = ("*",), added: Collection[str] = ()
) -> None:
    """Write what identifies the run of a folder, or compare it with what an earlier run has written.

    Args:
        file: of the identity, in the folder.
        identity: everything that decides what the run writes, as a JSON object.
        other: what a folder with another identity holds, for the message: ``a run of another configuration``.
        foreign: patterns of names that a folder without an identity must not hold.
        added: parts that folders of earlier versions do not have, and that are compared where they do.

    Raises:
        OutputError: the folder belongs to another run, or to something else; the message names the parts that differ.
    """
    if not file.exists():
        refuse_foreign(file, foreign)
        write_json(file, identity)
        return
    before = read_json(file)
    now = {name: value for name, value in as_json(identity).items() if name in before or name not in added}
    if differing := differing_parts(before, now):
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
    """Remove what was being written when a run was killed; a folder that is gone holds nothing."""
    with suppress(OSError):
        for path in folder.iterdir():
            if UNFINISHED.fullmatch(path.name):
                if path.is_dir() and not path.is_symlink():
                    shutil.rmtree(path, ignore_errors=True)
                else:
                    path.unlink(missing_ok=True)

"""One run at a time for each output: it locks ``NAME.partial``, which holds a resumable run's rows, or nothing.

The lock is the operating system's (flock) and ends with the process, so a killed run leaves none. A partial file
without rows is removed with the lock; one that holds an earlier run's rows stays.
"""

from __future__ import annotations

import os
import stat
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from hashlib import blake2b
from pathlib import Path

from megaasr_core.base.errors import OutputError, one_line
from megaasr_core.base.files import real_target

from .output_checks import check_outputs
from .outputs import is_stream

OUTPUT_WAIT_S = 1.0
"""The workers of a run that was killed may hold its lock for a moment."""
MOST_BYTES = 255
"""Of a file's name, on most file systems."""

_held: dict[Path, int] = {}
"""Partial file -> descriptor, of the outputs that the command of this process holds."""


def partial_of(path: Path) -> Path:
    """The partial file of an output."""
    return beside(path, ".partial")


def beside(output: Path, suffix: str) -> Path:
    """A file that belongs to an output: beside the file that the path names through links, with a suffix added.

    Where that name would be too long, a digest stands for the output's.
    """
    target = real_target(output)
    name = f"{target.name}{suffix}"
    if len(os.fsencode(name)) > MOST_BYTES:
        name = f".{blake2b(os.fsencode(target.name), digest_size=16).hexdigest()}{suffix}"
    return target.with_name(name)


@contextmanager
def held_outputs(targets: Sequence[Path | None], sources: Sequence[Path | None] = ()) -> Iterator[None]:
    """`check_outputs`, and keep other runs from writing any of them until the block ends; streams are not locked.

    In a command: ``context.with_resource(held_outputs([output], [manifest]))``, at its start.

    Raises:
        OutputError: as `check_outputs`, or another run is writing one of them.
    """
    check_outputs(targets, sources)
    with ExitStack() as stack:
        for target in targets:
            if target is not None and not is_stream(target):
                partial = partial_of(target)
                _held[partial] = lock_partial(target)
                stack.callback(_let_go, partial)
        yield


def take_lock(path: Path) -> int:
    """The descriptor of the locked partial file: the one that this process's command holds, or a new one."""
    held = _held.pop(partial_of(path), None)
    return lock_partial(path) if held is None else held


def lock_partial(path: Path) -> int:
    """Open the partial file of an output, create it if it is missing, and lock it; its descriptor.

    Raises:
        OutputError: another run is writing the output; or its partial file is a link, a device, or has a second name.
    """
    partial = partial_of(path)
    until = time.monotonic() + OUTPUT_WAIT_S
    while True:
        descriptor = _opened(path, partial)
        try:
            if lock(descriptor, until):
                if _is_at(descriptor, partial):
                    return descriptor
            elif time.monotonic() > until:
                raise OutputError(f"cannot write {path}: another run is writing it; wait for its end or name another")
        except BaseException:
            os.close(descriptor)
            raise
        os.close(descriptor)  # the run before has just ended and removed it


def release(descriptor: int, partial: Path) -> None:
    """Unlock and close; a partial file that holds nothing is removed first."""
    with suppress(OSError):
        if os.fstat(descriptor).st_size == 0 and _is_at(descriptor, partial):
            partial.unlink()
    os.close(descriptor)


def lock(descriptor: int, until: float) -> bool:
    """Lock an open file or folder for this process alone; False when another one holds it till `until` (monotonic)."""
    try:
        import fcntl
    except ImportError:  # a system without such locks
        return True
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() > until:
                return False
            time.sleep(0.05)
        except OSError:  # a file system without locks
            return True
        else:
            return True


def _opened(path: Path, partial: Path) -> int:
    flags = os.O_RDWR | os.O_CREAT | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0)
    if partial.is_symlink():
        raise OutputError(f"cannot write {path}: {partial} is a link; remove it")
    try:
        descriptor = os.open(partial, flags, 0o666)
    except OSError as error:
        raise OutputError(f"cannot write {path}: {partial}: {error.strerror or one_line(error)}") from error
    there = os.fstat(descriptor)
    if not stat.S_ISREG(there.st_mode) or there.st_nlink > 1:
        os.close(descriptor)
        raise OutputError(f"cannot write {path}: {partial} is no file of its own; remove it")
    return descriptor


def _is_at(descriptor: int, partial: Path) -> bool:
    """Whether the open file is still the one of that name."""
    try:
        return os.path.samestat(os.fstat(descriptor), partial.lstat())
    except FileNotFoundError:
        return False


def _let_go(partial: Path) -> None:
    descriptor = _held.pop(partial, None)
    if descriptor is not None:  # else `take_lock` has taken it over
        release(descriptor, partial)

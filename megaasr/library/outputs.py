"""Outputs of commands: a file, replaced whole at the end, or a stream, written as the rows come.

A stream is ``-`` and ``/dev/stdout`` (standard output), ``/dev/fd/N`` (a descriptor of this process), or a FIFO. Other
devices are refused, and no link, FIFO or device is ever replaced by a file.
"""

from __future__ import annotations

import os
import stat
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO

from megaasr_core.base.errors import OutputError, one_line
from megaasr_core.base.files import ESCAPED, atomic_path, real_target, temporary_name

STANDARD_OUTPUT = 1
MOST_LINKS = 40


def descriptor_of(path: Path) -> int | None:
    """The descriptor of this process that a path names: 1 for ``-`` and ``/dev/stdout``, N for ``/dev/fd/N``."""
    if str(path) == "-":
        return STANDARD_OUTPUT
    place = path
    for _ in range(MOST_LINKS):
        if place.name.isdecimal() and os.path.realpath(place.parent) in ("/dev/fd", f"/proc/{os.getpid()}/fd"):
            return int(place.name)
        try:
            place = place.parent / place.readlink()
        except OSError:  # no link, or nothing is there
            return None
    return None


def is_stream(path: Path) -> bool:
    """Whether the output is written as it comes: standard output, another descriptor, or a FIFO."""
    try:
        return descriptor_of(path) is not None or stat.S_ISFIFO(path.stat().st_mode)
    except OSError:  # nothing is there yet, or it cannot be looked at, which `check_writable` reports
        return False


def is_standard_output(path: Path | None) -> bool:
    """Whether a command writes this output to standard output, so that it prints nothing else there."""
    return path is not None and descriptor_of(path) == STANDARD_OUTPUT


def check_writable(path: Path) -> None:
    """Fail before long work when `path` could not be written at its end.

    Raises:
        OutputError: the folder is missing or read-only, or `path` is a folder, a device, or read-only.
    """
    descriptor = descriptor_of(path)
    try:
        if descriptor is not None:
            os.fstat(descriptor)
        if is_stream(path):
            return
        target = real_target(path)
        trial = temporary_name(target)
    except OSError as error:
        raise _refused(path, error) from error
    try:
        trial.touch(exist_ok=False)
        trial.unlink()
    except OSError as error:
        reason = error.strerror or one_line(error)
        raise OutputError(f"cannot write in {target.parent}: {reason}; choose a folder that can be written") from error


@contextmanager
def text_output(path: Path) -> Iterator[TextIO]:
    """Open an output of text: a file that gets its name when the block ends well, or a stream.

    What UTF-8 or the terminal's encoding lacks is written as ``\\uXXXX``.

    Raises:
        OutputError: it cannot be written.
    """
    if not is_stream(path):
        with atomic_path(path) as temporary, temporary.open("w", encoding="utf-8", errors=ESCAPED) as file:
            yield file
        return
    descriptor = descriptor_of(path)
    try:
        if descriptor == STANDARD_OUTPUT:
            yield sys.stdout
            sys.stdout.flush()
            return
        stream = os.open(path, os.O_WRONLY) if descriptor is None else os.dup(descriptor)
        with os.fdopen(stream, "w", encoding="utf-8", errors=ESCAPED) as file:
            yield file
    except BrokenPipeError as error:
        if descriptor is not None:  # the reader, such as `head`, had enough
            raise
        raise _refused(path, error) from error
    except OSError as error:
        raise _refused(path, error) from error


def write_text(path: Path, text: str) -> None:
    """Write a text file whole or not at all, or write to a stream."""
    with text_output(path) as file:
        file.write(text)


def _refused(path: Path, error: OSError) -> OutputError:
    name = "standard output" if is_standard_output(path) else path
    return OutputError(f"cannot write {name}: {error.strerror or one_line(error)}")

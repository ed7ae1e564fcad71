"""JSON lines that survive being killed: rows are appended to a partial file, and the next run goes on after them."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import blake2b
from pathlib import Path
from typing import Any, BinaryIO

from .errors import OutputError, one_line
from .files import atomic_path, check_writable
from .jsonl import jsonl_line


def fingerprint(settings: Any) -> str:
    """A digest of everything that decides the rows; another one means that a partial file is of another run."""
    return blake2b(json.dumps(settings, sort_keys=True, default=str).encode(), digest_size=16).hexdigest()


class ResumableRows:
    """An output of JSON lines in the making. Use `resumable_rows`.

    Attributes:
        done: rows of an earlier run with the same fingerprint and of this one, in order; none where they are not kept.
        num_done: how many they are.
        left_over: whether a partial file of another run was found and put aside.
    """

    def __init__(self, path: Path, mark: str, keep: bool = True) -> None:
        self.path = path
        self.partial = path.with_name(f"{path.name}.partial")
        self.done: list[dict[str, Any]] = []
        self.num_done = 0
        self.left_over = False
        self._keep = keep
        self._mark = jsonl_line({"fingerprint": mark}).encode()
        self._file: BinaryIO | None = None

    def open(self) -> None:
        """Take over what an earlier run has left; a line that was cut in two is dropped."""
        check_writable(self.path)
        size = 0
        if self.partial.is_file():
            with self.partial.open("rb") as file:
                if file.readline() == self._mark:
                    size = len(self._mark)
                    for line in file:
                        if line.endswith(b"\n"):  # what has no line end is half a row
                            size += len(line)
                            self._count(json.loads(line) if self._keep else None)
                else:
                    self.left_over = True
        self._file = self.partial.open("r+b" if size else "wb")
        self._file.truncate(size)
        self._file.seek(size)
        if not size:
            self._file.write(self._mark)
        self._file.flush()

    def _count(self, row: dict[str, Any] | None) -> None:
        self.num_done += 1
        if row is not None and self._keep:
            self.done.append(row)

    def append(self, row: dict[str, Any]) -> None:
        """Write one row; it is with the system when this returns."""
        assert self._file is not None
        with _said_of(self.path):
            self._file.write(jsonl_line(row).encode())
            self._file.flush()
        self._count(row)

    def close(self) -> None:
        """Close the partial file and leave it for the next run."""
        if self._file is not None:
            self._file.close()

    def finish(self) -> None:
        """Write the rows without the mark under the final name, and remove the partial file."""
        self.close()
        with atomic_path(self.path) as temporary, self.partial.open("rb") as partial, temporary.open("wb") as final:
            partial.seek(len(self._mark))
            shutil.copyfileobj(partial, final)
        self.partial.unlink()


@contextmanager
def resumable_rows(path: Path, mark: str, keep: bool = True) -> Iterator[ResumableRows]:
    """Open an output; it gets its final name when the block ends well, and stays a ``.partial`` when it does not.

    Args:
        path: of the output.
        mark: a `fingerprint` of what decides the rows.
        keep: whether the rows are wanted in memory, or only their number.

    Raises:
        OutputError: the place cannot be written.
    """
    rows = ResumableRows(path, mark, keep)
    with _said_of(path):
        rows.open()
    try:
        yield rows
    except BaseException:
        rows.close()
        if not rows.num_done:  # nothing to go on from
            rows.partial.unlink(missing_ok=True)
        raise
    with _said_of(path):
        rows.finish()


@contextmanager
def _said_of(path: Path) -> Iterator[None]:
    """Errors of the system as errors of this output; those of the block that fills it are its own."""
    try:
        yield
    except OSError as error:
        raise OutputError(f"cannot write {path}: {error.strerror or one_line(error)}") from error

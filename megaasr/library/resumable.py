"""Resumable JSON-lines output: rows are appended to a partial file, and the next run continues after them."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import blake2b
from pathlib import Path
from typing import Any, BinaryIO

from megaasr_core.base.errors import OutputError, one_line
from megaasr_core.base.files import atomic_path, check_writable

from .json_files import jsonl_line


def fingerprint(settings: Any) -> str:
    """Digest of all settings that determine the rows; a partial file with another fingerprint is from another run."""
    return blake2b(json.dumps(settings, sort_keys=True, default=str).encode(), digest_size=16).hexdigest()


class ResumableRows:
    """A JSON-lines output that is being written. Use `resumable_rows`.

    Attributes:
        done: rows of an earlier run with the same fingerprint and of this run, in order; empty if `keep` is False.
        num_done: number of these rows.
        left_over: whether a partial file of another run was present and is overwritten.
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
        """Open the partial file and read the rows of an earlier run; an incomplete last line is dropped."""
        check_writable(self.path)
        size = 0
        if self.partial.is_file():
            with self.partial.open("rb") as file:
                if file.readline() == self._mark:
                    size = len(self._mark)
                    for line in file:
                        if line.endswith(b"\n"):  # a line without a line end is incomplete
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
        """Write one row and flush it to the operating system."""
        assert self._file is not None
        with _as_output_error(self.path):
            self._file.write(jsonl_line(row).encode())
            self._file.flush()
        self._count(row)

    def close(self) -> None:
        """Close the partial file and keep it for the next run."""
        if self._file is not None:
            self._file.close()

    def finish(self) -> None:
        """Write the rows without the fingerprint line to the final path, and remove the partial file."""
        self.close()
        with atomic_path(self.path) as temporary, self.partial.open("rb") as partial, temporary.open("wb") as final:
            partial.seek(len(self._mark))
            shutil.copyfileobj(partial, final)
        self.partial.unlink()


@contextmanager
def resumable_rows(path: Path, mark: str, keep: bool = True) -> Iterator[ResumableRows]:
    """Open a resumable output; it gets its final name if the block succeeds, and stays ``.partial`` if it raises.

    Args:
        path: path of the output.
        mark: `fingerprint` of the settings that determine the rows.
        keep: whether to keep the rows in memory, or only their number.

    Raises:
        OutputError: the output cannot be written.
    """
    rows = ResumableRows(path, mark, keep)
    with _as_output_error(path):
        rows.open()
    try:
        yield rows
    except BaseException:
        rows.close()
        if not rows.num_done:  # there is nothing to resume
            rows.partial.unlink(missing_ok=True)
        raise
    with _as_output_error(path):
        rows.finish()


@contextmanager
def _as_output_error(path: Path) -> Iterator[None]:
    """Convert OSError in the block to OutputError with the path of the output."""
    try:
        yield
    except OSError as error:
        raise OutputError(f"cannot write {path}: {error.strerror or one_line(error)}") from error

"""JSON lines that survive being killed: rows are appended to a partial file, and the next run goes on after them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import blake2b
from pathlib import Path
from typing import Any, TextIO

from ..base.errors import OutputError, one_line
from ..base.files import check_writable, jsonl_line, write_text


def fingerprint(settings: Any) -> str:
    """A digest of everything that decides the rows; another one means that a partial file is of another run."""
    return blake2b(json.dumps(settings, sort_keys=True, default=str).encode(), digest_size=16).hexdigest()


class ResumableRows:
    """An output of JSON lines in the making. Use `resumable_rows`.

    Attributes:
        done: rows of an earlier run with the same fingerprint, in order.
        left_over: whether a partial file of another run was found and put aside.
    """

    def __init__(self, path: Path, mark: str) -> None:
        self.path = path
        self.partial = path.with_name(f"{path.name}.partial")
        self.done: list[dict[str, Any]] = []
        self.left_over = False
        self._mark = jsonl_line({"fingerprint": mark})
        self._file: TextIO | None = None

    def open(self) -> None:
        """Take over what an earlier run has left; a line that was cut in two is dropped."""
        check_writable(self.path)
        lines: list[str] = []
        if self.partial.is_file():
            whole = self.partial.read_text(encoding="utf-8").split("\n")[:-1]  # what has no line end is half a row
            if whole and whole[0] + "\n" == self._mark:
                lines = whole[1:]
            else:
                self.left_over = True
        self.done = [json.loads(line) for line in lines]
        self._file = self.partial.open("w", encoding="utf-8")
        self._file.write(self._mark + "".join(line + "\n" for line in lines))
        self._file.flush()

    def append(self, row: dict[str, Any]) -> None:
        """Write one row; it is with the system when this returns."""
        assert self._file is not None
        with _said_of(self.path):
            self._file.write(jsonl_line(row))
            self._file.flush()
        self.done.append(row)

    def close(self) -> None:
        """Close the partial file and leave it for the next run."""
        if self._file is not None:
            self._file.close()

    def finish(self) -> None:
        """Write the rows without the mark under the final name, and remove the partial file."""
        self.close()
        write_text(self.path, "".join(jsonl_line(row) for row in self.done))
        self.partial.unlink()


@contextmanager
def resumable_rows(path: Path, mark: str) -> Iterator[ResumableRows]:
    """Open an output; it gets its final name when the block ends well, and stays a ``.partial`` when it does not.

    Raises:
        OutputError: the place cannot be written.
    """
    rows = ResumableRows(path, mark)
    with _said_of(path):
        rows.open()
    try:
        yield rows
    except BaseException:
        rows.close()
        if not rows.done:  # nothing to go on from
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

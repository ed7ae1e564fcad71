"""Resumable JSON-lines output: rows are appended to a partial file, and the next run continues after them."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, BinaryIO, TextIO

from megaasr_core.base.errors import OutputError, one_line
from megaasr_core.base.files import atomic_path

from .fingerprints import fingerprint
from .json_files import jsonl_line
from .output_locks import partial_of, release, take_lock
from .outputs import check_writable, is_stream, text_output
from .run_records import RunRecord, write_record

HEAD = b'{"fingerprint": "'
"""How every partial file begins."""


def _head_of(mark: str | RunRecord) -> dict[str, Any]:
    """The first line of a partial file."""
    if isinstance(mark, RunRecord):
        return {"fingerprint": fingerprint(mark.identity), "identity": dict(mark.identity)}
    return {"fingerprint": mark}


class ResumableRows:
    """A JSON-lines output that is being written. Use `resumable_rows`.

    Attributes:
        done: rows of an earlier run with the same fingerprint and of this run, in order; empty if `keep` is False.
        num_done: number of these rows.
        left_over: whether a partial file of another run was present and is overwritten.
        note: that, in a line for the user, with what differs between the two runs; empty where it was not so.
    """

    note = ""

    def __init__(self, path: Path, mark: str | RunRecord, keep: bool = True) -> None:
        self.path = path
        self.partial = partial_of(path)
        self.done: list[dict[str, Any]] = []
        self.num_done = 0
        self.left_over = False
        self._keep = keep
        self._record = mark if isinstance(mark, RunRecord) else None
        self._mark = jsonl_line(_head_of(mark)).encode()
        self._size = 0
        self._descriptor = -1
        self._is_ours = False

    def open(self) -> None:
        """Lock the partial file and read the rows of an earlier run; an incomplete last line is dropped.

        Raises:
            OutputError: another run is writing the output, or the partial file is not one of these.
        """
        check_writable(self.path)
        self._descriptor = take_lock(self.path)
        with self._reading(0) as file:
            first = file.readline()
            if first == self._mark:
                self._size = len(first)
                for number, line in enumerate(file, start=2):
                    if line.endswith(b"\n"):  # a line without a line end is incomplete
                        self._size += len(line)
                        self._count(self._parsed(line, number))
            elif first and not (first.startswith(HEAD) or HEAD.startswith(first)):
                raise OutputError(f"cannot write {self.path}: {self.partial} is of something else; move or remove it")
            else:
                self.left_over = bool(first)
                if first:
                    self.note = f"{self.partial} is of another run and is begun anew: {self._difference(first)}"
        self._is_ours = True
        os.ftruncate(self._descriptor, self._size)
        os.lseek(self._descriptor, self._size, os.SEEK_SET)
        if not self._size:
            self._write(self._mark)

    def _difference(self, first: bytes) -> str:
        """In what the run of another partial file differs, as a clause."""
        try:
            identity = json.loads(first)["identity"]
        except (ValueError, KeyError, RecursionError):  # of an earlier version, or cut
            identity = None
        known = isinstance(identity, dict) and self._record is not None and self._record.difference(identity)
        return known or "settings or recordings differ"

    def _parsed(self, line: bytes, number: int) -> dict[str, Any] | None:
        try:
            return dict(json.loads(line)) if self._keep else None
        except (ValueError, TypeError) as error:
            raise OutputError(
                f"cannot write {self.path}: {self.partial}, line {number}: not a row ({one_line(error)}); remove it"
            ) from error

    def _count(self, row: dict[str, Any] | None) -> None:
        self.num_done += 1
        if row is not None and self._keep:
            self.done.append(row)

    def _write(self, line: bytes) -> None:
        if not os.fstat(self._descriptor).st_nlink:
            raise OutputError(f"cannot write {self.path}: {self.partial} was removed while this run was writing it")
        try:
            rest = memoryview(line)
            while rest:
                rest = rest[os.write(self._descriptor, rest) :]
        except BaseException:  # no space, or a signal: the file ends with a whole row
            with suppress(OSError):
                os.ftruncate(self._descriptor, self._size)
            raise
        self._size += len(line)

    def append(self, row: dict[str, Any]) -> None:
        """Write one row and hand it to the operating system."""
        with _as_output_error(self.path):
            self._write(jsonl_line(row).encode())
        self._count(row)

    def close(self, *, remove: bool = False) -> None:
        """Unlock and close the partial file; it is kept for the next run, unless `remove`."""
        if self._descriptor >= 0:
            if remove and self._is_ours:
                with suppress(OSError):
                    os.ftruncate(self._descriptor, 0)
            release(self._descriptor, self.partial)
            self._descriptor = -1

    def finish(self, due: int | None) -> None:
        """Write the rows without the fingerprint line to the final path, and beside them which run made them.

        The record of the run comes first, so that rows never stand beside the record of another run.

        Raises:
            OutputError: there are not `due` rows, or not those that were written.
        """
        size = os.fstat(self._descriptor).st_size
        if size != self._size or (due is not None and self.num_done != due):
            expected = f"{due} rows" if size == self._size else f"{self._size} bytes"
            found = f"{self.num_done} rows" if size == self._size else f"{size} bytes"
            raise OutputError(
                f"cannot write {self.path}: {self.partial} holds {found} where {expected} are due; has another program "
                "changed it? Remove it and start again"
            )
        with self._reading(len(self._mark)) as rows, atomic_path(self.path) as temporary, temporary.open("wb") as final:
            shutil.copyfileobj(rows, final)
            final.flush()
            if self._record is not None:
                write_record(self.path, self._record, temporary)

    def _reading(self, start: int) -> BinaryIO:
        os.lseek(self._descriptor, start, os.SEEK_SET)
        return os.fdopen(os.dup(self._descriptor), "rb")


class StreamedRows(ResumableRows):
    """Rows that go to a stream as they come; nothing is resumed."""

    def __init__(self, path: Path, stream: TextIO, keep: bool) -> None:
        self.path = self.partial = path
        self.done, self.num_done, self.left_over, self._keep = [], 0, False, keep
        self._stream = stream

    def append(self, row: dict[str, Any]) -> None:
        """Write one row and flush it."""
        self._stream.write(jsonl_line(row))
        self._stream.flush()
        self._count(row)


@contextmanager
def resumable_rows(
    path: Path, mark: str | RunRecord, keep: bool = True, due: int | None = None
) -> Iterator[ResumableRows]:
    """Open a resumable output; it gets its final name if the block succeeds, and stays ``.partial`` if it raises.

    Args:
        path: path of the output; rows for a stream (`is_stream`) are written at once, and nothing is resumed.
        mark: the run, whose identity is all that determines the rows and whose record is written beside a file of
            them; or only the `fingerprint` of the settings that determine them, and no record.
        keep: whether to keep the rows in memory, or only their number.
        due: number of the rows that the output must have at the end.

    Raises:
        OutputError: the output cannot be written, another run is writing it, or rows are lacking at the end.
    """
    if is_stream(path):
        with text_output(path) as stream:
            yield StreamedRows(path, stream, keep)
        return
    rows = ResumableRows(path, mark, keep)
    try:
        with _as_output_error(path):
            rows.open()
        yield rows
        with _as_output_error(path):
            rows.finish(due)
    except BaseException:
        rows.close(remove=not rows.num_done)  # there is nothing to resume
        raise
    rows.close(remove=True)


@contextmanager
def _as_output_error(path: Path) -> Iterator[None]:
    """Convert OSError in the block to OutputError with the path of the output."""
    try:
        yield
    except OSError as error:
        raise OutputError(f"cannot write {path}: {error.strerror or one_line(error)}") from error

"""JSON lines: the strict reader, a row at a time."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from .errors import ManifestError, one_line


def read_rows(path: Path) -> Iterator[dict[str, Any]]:
    """The rows of a JSON-lines file, one at a time, so that a corpus of any length needs the memory of one row.

    Raises:
        ManifestError: the file cannot be read, or a line is no JSON object; the message names the line.
    """
    return (row for _, row in located_lines(path))


def located_lines(path: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    """As `read_rows`, each row with its place, for messages: ``manifest.jsonl, line 3``. Blank lines are skipped."""
    try:
        with path.open("rb") as file:
            for number, line in enumerate(file, start=1):
                if not line.isspace():
                    where = f"{path}, line {number}"
                    yield where, parse_row(line, where)
    except OSError as error:
        raise ManifestError(f"cannot read {path}: {error.strerror or one_line(error)}") from error


def parse_row(line: bytes, where: str) -> dict[str, Any]:
    """One line as a JSON object; ManifestError that begins with `where` when it is none."""
    try:
        text = line.decode("utf-8")
        row = _DECODER.decode(text)
        if "\\u" in text:
            json.dumps(row, ensure_ascii=False).encode(
                "utf-8", "surrogateescape"
            )  # half a pair could not be written again
    except ValueError as error:  # of the characters, of JSON, or of `_refuse_constant`
        reason = one_line(error)
        if isinstance(error, json.JSONDecodeError):
            reason = f"not JSON ({error.msg}, column {error.colno})"
        raise ManifestError(f"{where}: {reason}; mend or remove the line") from error
    if not isinstance(row, dict):
        raise ManifestError(f"{where}: a JSON object is expected, not {type(row).__name__}")
    return row


def _refuse_constant(name: str) -> Any:
    raise ValueError(f"{name} is no JSON number")


_DECODER = json.JSONDecoder(parse_constant=_refuse_constant)

"""JSON and JSON lines: the strict reader, a row at a time."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from .errors import ManifestError, one_line, shortened

MOST_DIGITS, MOST_LEVELS = 300, 64
"""Digits of an integer (one with more is no float either), and levels of nesting (a recipe has five)."""


def read_rows(path: Path) -> Iterator[dict[str, Any]]:
    """The rows of a JSON-lines file, one at a time; ManifestError that names the line when one is no JSON object."""
    return (row for _, row in located_lines(path))


def located_lines(path: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    """As `read_rows`, each row with its place, for messages: ``manifest.jsonl, line 3``. Blank lines are skipped."""
    try:
        with path.open("rb") as file:
            for number, line in enumerate(file, start=1):
                if not line.isspace():
                    yield (where := f"{path}, line {number}"), parse_row(line, where)
    except (OSError, ValueError) as error:  # ValueError: a NUL in the path
        raise ManifestError(f"cannot read {path}: {getattr(error, 'strerror', None) or one_line(error)}") from error


def parse_row(line: bytes, where: str) -> dict[str, Any]:
    """One line as a JSON object; ManifestError that begins with `where` when it is none, as `parse_json` says."""
    row = parse_json(line, where, "mend or remove the line")
    if not isinstance(row, dict):
        raise ManifestError(f"{where}: a JSON object is expected, not {type(row).__name__}")
    return row


def parse_json(data: bytes, where: str, advice: str = "mend the file") -> Any:
    """JSON in UTF-8, a byte order mark before it or not, in which all can be written again as it was read.

    Raises:
        ManifestError: no JSON, a name that occurs twice in an object, NaN, infinity, a number that is neither a finite
            float nor an integer of `MOST_DIGITS`, more than `MOST_LEVELS` of nesting, or half a surrogate pair.
    """
    try:
        text = data.removeprefix(b"\xef\xbb\xbf").decode("utf-8")
        value = _DECODER.decode(text)
        if "\\u" in text:
            json.dumps(value, ensure_ascii=False).encode("utf-8", "surrogateescape")  # half a pair cannot be written
        if text.count("[") + text.count("{") > MOST_LEVELS:
            _check_levels(value)
    except (ValueError, RecursionError) as error:  # of the characters, of JSON, or of a check below
        reason = one_line(error)
        if isinstance(error, json.JSONDecodeError):
            reason = f"not JSON ({error.msg}, column {error.colno})"
        elif isinstance(error, RecursionError):
            reason = f"nested more than {MOST_LEVELS} levels deep"
        raise ManifestError(f"{where}: {reason}; {advice}") from error
    return value


def _check_levels(value: Any) -> None:
    level = [value]
    for _ in range(MOST_LEVELS):
        nested = [one for one in level if isinstance(one, (dict, list))]
        level = [inner for one in nested for inner in (one.values() if isinstance(one, dict) else one)]
    if level:
        raise RecursionError


def _refuse(name: str) -> Any:
    raise ValueError(f"{name} is no JSON number")


def _finite(text: str) -> float:
    if not math.isfinite(number := float(text)):
        raise ValueError(f"the number {shortened(text, 20)} is beyond a float")
    return number


def _bounded(text: str) -> int:
    if len(text) > MOST_DIGITS:
        raise ValueError(f"the number {shortened(text, 20)} has {len(text)} digits; {MOST_DIGITS} at most are read")
    return int(text)


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    if len(found := dict(pairs)) < len(pairs):
        left = dict.fromkeys(found)
        name = next(name for name, _ in pairs if left.pop(name, name) is not None)
        raise ValueError(f"{shortened(name, 40)!r} occurs twice in an object")
    return found


_DECODER = json.JSONDecoder(object_pairs_hook=_once, parse_float=_finite, parse_int=_bounded, parse_constant=_refuse)

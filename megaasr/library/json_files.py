"""JSON objects and JSON lines in files."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from megaasr_core.base.errors import ManifestError, OutputError, one_line
from megaasr_core.base.files import ESCAPED, read_text
from megaasr_core.base.jsonl import parse_json, read_rows

from .outputs import write_text


def write_json(path: Path, value: Mapping[str, Any]) -> None:
    """Write a JSON object, whole or not at all."""
    write_text(path, json.dumps(value, ensure_ascii=False, indent=1) + "\n")


def read_json(path: Path) -> dict[str, Any]:
    """An object that a run has written; OutputError when the file holds none."""
    try:
        value = parse_json(read_text(path).encode(), str(path), "remove it")
    except ManifestError as error:
        raise OutputError(one_line(error)) from error
    if not isinstance(value, dict):
        raise OutputError(f"{path}: a JSON object is expected; remove it")
    return value


def jsonl_line(row: dict[str, Any]) -> str:
    """One JSON line; NaN and infinity are refused, since other readers cannot take them.

    Bytes of a file name that are no UTF-8 are written as Python reads them, ``\\udcXX`` (PEP 383): what reads the line
    names the same file.
    """
    line = json.dumps(row, ensure_ascii=False, allow_nan=False) + "\n"
    return line if line.isascii() else line.encode("utf-8", ESCAPED).decode("utf-8")


def read_jsonl(path: Path) -> list[dict[str, Any]]:
    """All rows of a JSON-lines file, so that a broken line is known before any work is done; errors as `read_rows`."""
    return list(read_rows(path))

"""Writing that is whole or absent, and reading JSON lines with the line number in every complaint."""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from .errors import ManifestError, OutputError, one_line


def check_writable(path: Path) -> None:
    """Fail before long work when `path` could not be written at its end.

    Raises:
        OutputError: the folder is missing or read-only, or `path` is a folder.
    """
    if path.is_dir():
        raise OutputError(f"cannot write {path}: it is a folder; name a file")
    folder = path.parent
    if not folder.is_dir():
        raise OutputError(f"cannot write {path}: folder {folder} does not exist; create it or choose another")
    try:
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        reason = error.strerror or one_line(error)
        raise OutputError(f"cannot write in {folder}: {reason}; choose a folder that can be written") from error


def check_not_input(target: Path, *sources: Path) -> None:
    """Refuse to write over what is read; OutputError when `target` is one of the sources."""
    for source in sources:
        if target.exists() and source.exists() and target.samefile(source):
            raise OutputError(f"cannot write {target}: it is the input; name another file")


def check_outputs(targets: Sequence[Path | None], sources: Sequence[Path | None] = ()) -> None:
    """Before long work: every target can be written, none is another or an input; a target of None is not asked for.

    Raises:
        OutputError: naming the first that cannot be.
    """
    wanted = [target for target in targets if target is not None]
    for target in wanted:
        if sum(target.resolve() == other.resolve() for other in wanted) > 1:
            raise OutputError(f"cannot write {target}: two outputs are one file; name different files")
        check_writable(target)
        check_not_input(target, *(source for source in sources if source is not None))


@contextmanager
def atomic_path(path: Path) -> Iterator[Path]:
    """Give a temporary name beside `path`; rename it to `path` when the block ends well, remove it when it does not.

    The temporary name keeps the suffix, since audio writers choose the format by it.

    Raises:
        OutputError: the place cannot be written.
    """
    check_writable(path)
    temporary = path.with_name(f".{path.stem}.{os.getpid()}.tmp{path.suffix}")
    try:
        yield temporary
        temporary.replace(path)
    except OSError as error:
        raise OutputError(f"cannot write {path}: {error.strerror or one_line(error)}") from error
    finally:
        temporary.unlink(missing_ok=True)


def write_text(path: Path, text: str) -> None:
    """Write a text file whole or not at all."""
    with atomic_path(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


def read_text(path: Path) -> str:
    """Read a UTF-8 text file; ManifestError in one line when that cannot be done."""
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or one_line(error)
        raise ManifestError(f"cannot read {path}: {reason}") from error


class _NoNumber(Exception):
    """NaN or infinity, which JSON has not."""


def _refuse_constant(name: str) -> Any:
    raise _NoNumber(f"{name} is no JSON number")


def parse_jsonl(text: str, source: object) -> list[dict[str, Any]]:
    """Parse JSON lines; blank lines are skipped.

    Raises:
        ManifestError: a line is not a JSON object; the message names source and line.
    """
    rows: list[dict[str, Any]] = []
    for number, line in enumerate(text.split("\n"), start=1):
        if not line.strip():
            continue
        try:
            row = json.loads(line, parse_constant=_refuse_constant)
            json.dumps(row, ensure_ascii=False).encode("utf-8")  # half a surrogate pair could not be written again
        except (_NoNumber, UnicodeEncodeError) as error:
            raise ManifestError(f"{source}, line {number}: {one_line(error)}; mend or remove the line") from error
        except json.JSONDecodeError as error:
            raise ManifestError(
                f"{source}, line {number}: not JSON ({error.msg}, column {error.colno}); mend or remove the line"
            ) from error
        if not isinstance(row, dict):
            raise ManifestError(f"{source}, line {number}: a JSON object is expected, not {type(row).__name__}")
        rows.append(row)
    return rows


def read_jsonl(path: Path) -> list[dict[str, Any]]:
    """Read a JSON-lines file whole, so that a broken line is known before any work is done."""
    return parse_jsonl(read_text(path), path)


def jsonl_line(row: dict[str, Any]) -> str:
    """One JSON line; NaN and infinity are refused, since other readers cannot take them."""
    return json.dumps(row, ensure_ascii=False, allow_nan=False) + "\n"

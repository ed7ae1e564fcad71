"""The lines of a manifest as they come: compressed or not, in any Unicode encoding that its byte order mark names."""

from __future__ import annotations

import gzip
import io
import zlib
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from megaasr_core.base.errors import ManifestError, one_line

MOST_BYTES = 16_000_000
"""Of a line; a recipe has some thousand."""
GZIP = b"\x1f\x8b"
ENCODINGS = {b"\xff\xfe\x00\x00": "utf-32", b"\x00\x00\xfe\xff": "utf-32", b"\xff\xfe": "utf-16", b"\xfe\xff": "utf-16"}
"""By byte order mark. That of UTF-8 is left to the parser of a line."""


def manifest_lines(path: Path) -> Iterator[tuple[str, bytes]]:
    """Each line that is not blank in UTF-8, with where it stands: ``manifest.jsonl, line 3``.

    Raises:
        ManifestError: the file cannot be read, or is not what its first bytes promise.
    """
    try:
        with ExitStack() as stack:
            file: Any = stack.enter_context(path.open("rb"))
            if file.peek(2)[:2] == GZIP:
                file = stack.enter_context(gzip.GzipFile(fileobj=file))
            head = file.peek(4)[:4]
            encoding = next((name for mark, name in ENCODINGS.items() if head.startswith(mark)), None)
            if encoding:
                file = stack.enter_context(io.TextIOWrapper(file, encoding=encoding, newline="\n"))
            number = 0
            while line := file.readline(MOST_BYTES):
                number += 1
                if len(line) == MOST_BYTES:
                    raise ManifestError(f"{path}, line {number}: longer than {MOST_BYTES} bytes; this is no manifest")
                if not line.isspace():
                    yield f"{path}, line {number}", line.encode() if encoding else line
    except (OSError, EOFError, zlib.error, ValueError) as error:  # ValueError: a NUL in the path, or a wrong encoding
        raise ManifestError(f"cannot read {path}: {getattr(error, 'strerror', None) or one_line(error)}") from error


def manifest_text(path: Path) -> str:
    """The whole of a small file as `manifest_lines` reads it; ManifestError also where it is not UTF-8."""
    try:
        return b"".join(line for _, line in manifest_lines(path)).decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise ManifestError(f"cannot read {path}: {one_line(error)}") from error

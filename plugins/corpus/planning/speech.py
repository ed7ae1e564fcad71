"""The clean recordings of a corpus: a manifest that may be long, known by the byte offsets of its rows."""

from __future__ import annotations

import json
from array import array
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from hashlib import blake2b
from pathlib import Path
from typing import IO, Any

import numpy as np
import numpy.typing as npt

from megaasr import (
    ManifestError,
    ManifestRow,
    ParameterError,
    Plugins,
    RecordingsState,
    atomic_path,
    is_usual,
    language_code,
    manifest_reader,
    manifest_row,
    one_line,
    parse_row,
    parsed_row,
    tried_rows,
    utterance_name,
)

KEPT_FIELDS = ("speaker", "speakers", "utterance", "gender", "accent", "source", "licence", "split")
"""What a sample takes over from its recording's row, where it is there."""
PART_FIELDS = ("offset_s", "duration_s", "channel")
"""Fields of a sample by which a part of its recording is read."""
PLAIN = (b"{", b" ", b"\t", b"\n", b"\r")
"""First byte of JSON lines that can be read from any byte on."""


@dataclass(frozen=True, eq=False)
class SpeechIndex:
    """A manifest's rows without the rows.

    Args:
        path: of the manifest.
        rows: the file of JSON lines that `offsets` are of: the manifest itself, or what `kept` writes.
        offsets: where each row that can be used begins in bytes, shape (num_rows,), int64.
        digest: of the whole manifest; recordings: of sizes and times of change of what its rows name.
        faults: name and fault of each row that cannot be used.
        lines: the rows of a manifest that is not plain JSON lines; empty otherwise.
    """

    path: Path
    rows: Path
    offsets: npt.NDArray[np.int64]
    digest: str
    faults: tuple[tuple[str, str], ...] = ()
    lines: bytes = b""
    recordings: str = ""

    @property
    def root(self) -> Path:
        """The folder that the recordings' paths are relative to."""
        return self.path if self.path.is_dir() else self.path.parent

    def kept(self, file: Path) -> SpeechIndex:
        """The index with its rows in a file: those of another format than JSON lines are written to `file`."""
        if not self.lines:
            return self
        with atomic_path(file) as temporary:
            temporary.write_bytes(self.lines)
        return replace(self, rows=file, lines=b"")


def index_speech(path: Path, plugins: Plugins | None = None) -> SpeechIndex:
    """Read a manifest once and check every row; a row that cannot be used is a fault, and the others are taken.

    Args:
        path: JSON lines, or whatever a reader takes.
        plugins: whose readers are asked; the installed ones if not given.

    Raises:
        ManifestError: it cannot be read, holds no rows or none that can be used, or names an utterance again.
    """
    offsets, names = array("q"), array("Q")
    faults: list[tuple[str, str]] = []
    digest, lines, recordings = blake2b(digest_size=16), bytearray(), RecordingsState(plugins)
    is_plain, root = _is_plain(path) and manifest_reader(path, plugins) is None, path if path.is_dir() else path.parent
    for where, offset, line, row in _plain_rows(path) if is_plain else _other_rows(path, plugins):
        digest.update(line)
        if row is None:
            continue
        try:
            name, audio = _name_of(row, root, where)
        except ManifestError as error:
            faults.append((utterance_name(row) if row else where, one_line(error)))
        else:
            recordings.add(audio)
            offsets.append(offset)
            names.append(int.from_bytes(blake2b(name.encode(), digest_size=8).digest(), "little"))
        if not is_plain:
            lines += line
    if faults and not offsets:
        raise ManifestError(
            faults[0][1] + (f" (none of the {len(faults)} rows can be used)" if len(faults) > 1 else "")
        )
    if not offsets:
        raise ManifestError(f"{path}: holds no rows")
    index = SpeechIndex(
        path,
        path,
        np.frombuffer(offsets, np.int64),
        digest.hexdigest(),
        tuple(faults),
        bytes(lines),
        recordings.hexdigest(),
    )
    _check_unique(index, np.frombuffer(names, np.uint64))
    return index


def _name_of(row: dict[str, Any], root: Path, where: str) -> tuple[str, Path]:
    """The utterance and the recording of a row that `sample_fields` takes, and its errors."""
    if not is_usual(row):
        name, source, _ = sample_fields(row, root, where)
        return name, source.audio
    _checked_language(row.get("language") or None, where)
    return str(row["id"]) if "id" in row else str(row["audio"]), root / row["audio"]


def _is_plain(path: Path) -> bool:
    """Whether it looks like JSON lines in UTF-8, which can be read from any byte on."""
    try:
        with path.open("rb") as file:
            return file.read(1) in PLAIN
    except (OSError, ValueError):
        return False


def _plain_rows(path: Path) -> Iterator[tuple[str, int, bytes, dict[str, Any] | None]]:
    offset = 0
    try:
        with path.open("rb") as file:
            for number, line in enumerate(file, start=1):
                where = f"{path}, line {number}"
                yield where, offset, line, None if line.isspace() else parsed_row(line, where)
                offset += len(line)
    except OSError as error:
        raise ManifestError(f"cannot read {path}: {error.strerror or one_line(error)}") from error


def _other_rows(path: Path, plugins: Plugins | None) -> Iterator[tuple[str, int, bytes, dict[str, Any] | None]]:
    offset = 0
    for where, row in tried_rows(path, plugins):
        line = json.dumps(row, ensure_ascii=False).encode() + b"\n"
        yield where, offset, line, row
        offset += len(line)


def _check_unique(index: SpeechIndex, names: npt.NDArray[np.uint64]) -> None:
    order = np.argsort(names, kind="stable")
    same = np.flatnonzero(names[order][1:] == names[order][:-1])
    if len(same):
        offset = int(index.offsets[int(order[same[0] + 1])])
        if index.lines:
            row = parse_row(index.lines[offset:].partition(b"\n")[0], str(index.path))
        else:
            with index.rows.open("rb") as file:
                row = row_at(file, offset)
        raise ManifestError(
            f"{index.path}: utterance {utterance_of(row)!r} occurs more than once ({len(same)} rows are repeats); its "
            "name is the key of its draws: remove the repeats, or give each row an 'id' of its own"
        )


def row_at(file: IO[bytes], offset: int) -> dict[str, Any]:
    """The row that begins at a byte offset."""
    file.seek(offset)
    return parse_row(file.readline(), f"{file.name}, byte {offset}")


def utterance_of(row: Mapping[str, Any]) -> str:
    """The key of its draws: ``id``, else the recording and the part of it."""
    return str(row["id"]) if "id" in row else utterance_name(row)


def sample_fields(row: Mapping[str, Any], root: Path, where: object) -> tuple[str, ManifestRow, dict[str, Any]]:
    """Utterance of a row, what it says of its recording, and what a sample takes over of it.

    The fields are ``audio``, ``text``, `language` (English where the row does not say), those of `KEPT_FIELDS` that the
    row has, and of `PART_FIELDS` what it says.

    Raises:
        ManifestError: a field is missing, or has the wrong form.
    """
    source = manifest_row(row, root, str(where))
    if source.reference is None:
        raise ManifestError(f"{where}: needs 'answer' or 'text', a text; it has {', '.join(row) or 'nothing'}")
    language = _checked_language(source.language, where)
    offset = None if source.is_length or not source.is_part else source.offset_s
    part = dict(zip(PART_FIELDS, (offset, source.duration_s, source.channel), strict=True))
    fields = {
        "audio": source.name,
        "text": source.reference,
        "language": language,
        **{name: row[name] for name in KEPT_FIELDS if row.get(name) is not None},
        **{name: value for name, value in part.items() if value is not None},
    }
    return str(row["id"]) if "id" in row else f"{source.name}{source.part}", source, fields


def _checked_language(language: str | None, where: object) -> str:
    try:
        return language_code(language)
    except ParameterError as error:
        raise ManifestError(f"{where}: {error}") from error

"""The clean recordings of a corpus: a manifest that may be long, known by the byte offsets of its rows."""

from __future__ import annotations

from array import array
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path
from typing import IO, Any

import numpy as np
import numpy.typing as npt

from megaasr import ManifestError, ParameterError, language_code, one_line, parse_row

KEPT_FIELDS = ("speaker", "gender", "accent", "source", "licence", "split")
"""What a sample takes over from its recording's row, where it is there."""


@dataclass(frozen=True, eq=False)
class SpeechIndex:
    """A manifest's rows without the rows.

    Args:
        path: of the manifest; the recordings' paths are relative to its folder.
        offsets: where each row begins in bytes, shape (num_rows,), int64.
        digest: of the whole manifest.
    """

    path: Path
    offsets: npt.NDArray[np.int64]
    digest: str


def index_speech(path: Path) -> SpeechIndex:
    """Read a manifest of ``{"audio" or "audio_path", "text" or "answer", ...}`` once, and check every row.

    Raises:
        ManifestError: it cannot be read, holds no rows, or a row is broken, lacks a field, or names an utterance again.
    """
    offsets, names = array("q"), array("Q")
    digest = blake2b(digest_size=16)
    offset = 0
    try:
        with path.open("rb") as file:
            for number, line in enumerate(file, start=1):
                digest.update(line)
                if not line.isspace():
                    where = f"{path}, line {number}"
                    row = parse_row(line, where)
                    name, *_ = fields_of(row, where)
                    kept_fields(row, where)
                    offsets.append(offset)
                    names.append(int.from_bytes(blake2b(name.encode(), digest_size=8).digest(), "little"))
                offset += len(line)
    except OSError as error:
        raise ManifestError(f"cannot read {path}: {error.strerror or one_line(error)}") from error
    if not offsets:
        raise ManifestError(f"{path}: holds no rows")
    index = SpeechIndex(path, np.frombuffer(offsets, np.int64), digest.hexdigest())
    _check_unique(index, np.frombuffer(names, np.uint64))
    return index


def _check_unique(index: SpeechIndex, names: npt.NDArray[np.uint64]) -> None:
    order = np.argsort(names, kind="stable")
    same = np.flatnonzero(names[order][1:] == names[order][:-1])
    if len(same):
        again = int(order[same[0] + 1])
        with index.path.open("rb") as file:
            name, *_ = fields_of(row_at(file, int(index.offsets[again])), index.path)
        raise ManifestError(
            f"{index.path}: utterance {name!r} occurs more than once ({len(same)} rows are repeats); its name is the "
            "key of its draws: remove the repeats, or give each row an 'id' of its own"
        )


def row_at(file: IO[bytes], offset: int) -> dict[str, Any]:
    """The row that begins at a byte offset."""
    file.seek(offset)
    return parse_row(file.readline(), f"{file.name}, byte {offset}")


def fields_of(row: dict[str, Any], where: object) -> tuple[str, str, str]:
    """Utterance (``id``, else the audio's path), audio and text of a row; ManifestError when one is missing."""
    audio = row.get("audio", row.get("audio_path"))
    text = row.get("text", row.get("answer"))
    for value, names in ((audio, "'audio' or 'audio_path'"), (text, "'text' or 'answer'")):
        if not isinstance(value, str):
            raise ManifestError(f"{where}: needs {names}, a text; it has {', '.join(row) or 'nothing'}")
    return str(row.get("id", audio)), str(audio), str(text)


def kept_fields(row: dict[str, Any], where: object) -> dict[str, Any]:
    """The fields that a sample takes over, `language` first: English where the row does not say; or ManifestError."""
    spoken = row.get("language")
    try:
        language = language_code(spoken if spoken is None else str(spoken))
    except ParameterError as error:
        raise ManifestError(f"{where}: {error}") from error
    return {
        "language": language,
        **{name: row[name] for name in KEPT_FIELDS if row.get(name) is not None},
    }

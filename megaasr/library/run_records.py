"""Which run made a finished output of rows: ``OUT.jsonl.run.json`` beside it, since rows of JSON lines stay plain."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from megaasr_core.base.errors import OutputError

from .content_digests import file_digest
from .fingerprints import fingerprint
from .identity_differences import difference
from .json_files import read_json, write_json
from .output_locks import beside

SUFFIX = ".run.json"
SCHEMA_VERSION = 1


@dataclass(frozen=True)
class RunRecord:
    """The run that makes, or has made, an output of rows.

    Args:
        identity: everything that decides the rows, by contents; see `megaasr.transcriber_identity`.
        told: what a reader may want to know besides, such as paths as they were named, and the hardware.
    """

    identity: Mapping[str, Any]
    told: Mapping[str, Any] = field(default_factory=dict)

    @property
    def id(self) -> str:
        """Digest of the identity, 16 hex digits, by which two runs are told apart."""
        return fingerprint(self.identity)[:16]

    def difference(self, other: Mapping[str, Any]) -> str:
        """In what another identity differs, as a clause: ``the adapter differs``; empty where it does not."""
        return difference(self.identity, other)


def record_path(output: Path) -> Path:
    """The place of the record of an output: beside the file that the path names through links."""
    return beside(output, SUFFIX)


def write_record(output: Path, record: RunRecord, rows: bytes | Path) -> None:
    """Write the record of an output that is about to get these rows: its bytes, or the file that holds them.

    Raises:
        OutputError: it cannot be written, or the rows cannot be read.
    """
    digest = _digest(rows) if isinstance(rows, Path) else hashlib.blake2b(rows, digest_size=16).hexdigest()
    content = {"schema_version": SCHEMA_VERSION, "id": record.id, "rows": digest}
    write_json(record_path(output), {**content, "identity": dict(record.identity), "told": dict(record.told)})


def read_record(output: Path) -> RunRecord | None:
    """The record of a finished output; None where there is none, or where the rows are not those that it is of.

    Raises:
        OutputError: the output cannot be read, or its record is damaged.
    """
    file = record_path(output)
    if not file.is_file():
        return None
    found = read_json(file)
    identity, told = found.get("identity"), found.get("told")
    if found.get("schema_version") != SCHEMA_VERSION or not isinstance(identity, dict) or not isinstance(told, dict):
        raise OutputError(f"{file}: is no record of a run of schema {SCHEMA_VERSION}; remove it")
    return RunRecord(identity, told) if found.get("rows") == _digest(output) else None


def _digest(output: Path) -> str:
    try:
        return file_digest(output)
    except OSError as error:
        raise OutputError(f"cannot read {output}: {error.strerror}") from error

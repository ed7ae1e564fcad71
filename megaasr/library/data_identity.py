"""The data of a run: the rows of its manifests, as they are read, and the recordings that they name."""

from __future__ import annotations

import json
from collections.abc import Iterable
from hashlib import blake2b
from pathlib import Path
from typing import Any

from megaasr_core.base.errors import ManifestError
from megaasr_core.discovery.plugins import Plugins

from .manifest_rows import manifest_row
from .manifests import BrokenRow, tried_rows
from .recording_states import RecordingsState


class RowsDigest:
    """BLAKE2b-128 of rows in their order, whatever file holds them: of every field, but not of the order of fields."""

    def __init__(self) -> None:
        self._digest = blake2b(digest_size=16)

    def add(self, row: Any) -> None:
        """Count a row; of one that cannot be read, the reason."""
        counted = str(row.fault) if isinstance(row, BrokenRow) else row
        line = json.dumps(counted, sort_keys=True, separators=(",", ":"), default=str)
        self._digest.update(f"{line}\n".encode())

    def hexdigest(self) -> str:
        """The digest of what was counted so far, hexadecimal."""
        return self._digest.hexdigest()


def rows_digest(rows: Iterable[Any]) -> str:
    """The digest of `RowsDigest` of all the rows."""
    digest = RowsDigest()
    for row in rows:
        digest.add(row)
    return digest.hexdigest()


def data_identity(manifests: Iterable[Path], plugins: Plugins | None = None) -> dict[str, str]:
    """The parts ``manifest`` and ``recordings`` of a run's identity: of all rows, and of the sound that they name.

    Args:
        manifests: what `tried_rows` reads, such as JSON lines or the folder of a plan.
        plugins: whose readers are asked; the installed ones if not given.

    Raises:
        ManifestError: a manifest cannot be read.
    """
    rows, recordings = RowsDigest(), RecordingsState(plugins)
    for manifest in manifests:
        root = manifest if manifest.is_dir() else manifest.parent
        for where, row in tried_rows(manifest, plugins):
            rows.add(row)
            try:
                recordings.add(manifest_row(row, root, where).audio)
            except ManifestError:  # which the run reports
                continue
    return {"manifest": rows.hexdigest(), "recordings": recordings.hexdigest()}

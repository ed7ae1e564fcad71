"""Any row of a plan by its number, without the others in memory."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from megaasr import ManifestError, one_line, parse_row

from .plan_folder import PlanFolder, shard_name


def row_of(folder: PlanFolder, index: int) -> dict[str, Any]:
    """Row `index` of the plan, from 0.

    Raises:
        IndexError: there are fewer.
        ManifestError: its shard cannot be read, or holds fewer rows than the settings say.
    """
    if not 0 <= index < folder.count:
        raise IndexError(f"sample {index} of {folder.count}")
    shard, place = divmod(index, folder.settings.shard_size)
    path = folder.path / shard_name(shard)
    try:
        offsets = _offsets(path, path.stat().st_mtime_ns)
        if place >= len(offsets):
            raise ManifestError(f"{path}: holds {len(offsets)} rows, and row {place + 1} is wanted; plan anew")
        with path.open("rb") as file:
            file.seek(offsets[place])
            return parse_row(file.readline(), f"{path}, row {place + 1}")
    except OSError as error:
        raise ManifestError(f"cannot read {path}: {error.strerror or one_line(error)}") from error


@lru_cache(maxsize=4_096)
def _offsets(path: Path, mtime_ns: int) -> npt.NDArray[np.int64]:
    """Where each row of a shard begins, in bytes; 8 KB for 1,000 rows."""
    del mtime_ns
    lengths = [len(line) for line in path.read_bytes().splitlines(keepends=True)]
    return np.cumsum([0, *lengths[:-1]], dtype=np.int64) if lengths else np.zeros(0, np.int64)

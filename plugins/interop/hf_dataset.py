"""A rendered corpus as a Hugging Face dataset (extra ``[interop]``)."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from megaasr import ParameterError, located_rows, read_sample, reference_of

COLUMNS = ("id", "audio", "text", "language", "scenario", "severity", "duration_s", "base_wer")
"""Fields of a manifest's rows that become columns; recipes and flags are not included."""


def load_corpus(manifest: str | Path) -> Any:
    """A `datasets.Dataset` whose ``audio`` is decoded on access: ``{"array", "sampling_rate", "path"}``.

    ``array`` is float32 of shape (num_samples,), read from a FLAC file or from a tar shard.

    Args:
        manifest: output of ``megaasr corpus render``, ``label``, ``filter`` or ``buckets``.

    Raises:
        ManifestError: the manifest cannot be read.
        ParameterError: `datasets` is not installed.
    """
    try:
        import datasets
    except ImportError as error:
        raise ParameterError("load_corpus needs datasets; run: pip install 'megaasr[interop]'") from error
    path = Path(manifest).resolve()
    table: dict[str, list[Any]] = {}
    for row in _columns(path):
        for name, value in row.items():
            table.setdefault(name, []).append(value)
    dataset = datasets.Dataset.from_dict(table)
    dataset.set_transform(_Decode(path.parent))
    return dataset


def _columns(path: Path) -> Iterator[dict[str, Any]]:
    names: list[str] = []
    for where, row in located_rows(path):
        if "error" in row:
            continue
        if (said := reference_of(row, where)) is not None:
            row["text"] = said
        names = names or [name for name in COLUMNS if name in row]
        yield {name: row.get(name) for name in names}


class _Decode:
    """Replaces audio paths by decoded audio, for the accessed rows."""

    def __init__(self, root: Path) -> None:
        self._root = root

    def __call__(self, batch: dict[str, list[Any]]) -> dict[str, list[Any]]:
        if "audio" not in batch:
            return batch
        decoded = []
        for name in batch["audio"]:
            audio = read_sample(self._root / name)
            decoded.append({"array": audio.samples, "sampling_rate": audio.sample_rate, "path": name})
        return {**batch, "audio": decoded}

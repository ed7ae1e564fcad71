"""Export of a rendered corpus as Lhotse cuts: JSON lines that Lhotse's `CutSet.from_file` reads."""

from __future__ import annotations

import gzip
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from megaasr import ParameterError, atomic_path, held_outputs, jsonl_line, located_rows, reference_of

from ..corpus.rendering.shard_reader import IN_TAR


def write_cuts(manifest: str | Path, target: str | Path) -> int:
    """Write one `MonoCut` per row, with its recording and one supervision; return the number of cuts.

    Rows with an error are left out. Times are in seconds, ``sampling_rate`` in Hz; scenario, severity and recipe are
    in ``custom``.

    Args:
        manifest: manifest of a corpus rendered with ``--format folder``, because Lhotse reads audio from files.
        target: output path, ``.jsonl``, or ``.jsonl.gz`` to compress.

    Raises:
        ParameterError: another suffix, or a row whose audio is in a tar shard.
        ManifestError, OutputError: the manifest cannot be read, or the target cannot be written.
    """
    source, path = Path(manifest), Path(target)
    if not path.name.endswith((".jsonl", ".jsonl.gz")):
        raise ParameterError(f"{path}: name a .jsonl or .jsonl.gz file")
    count = 0
    with held_outputs([path], [source]), atomic_path(path) as temporary, temporary.open("wb") as raw:
        file = gzip.GzipFile(fileobj=raw, mode="wb", mtime=0) if path.suffix == ".gz" else raw
        for cut in _cuts(source):
            file.write(jsonl_line(cut).encode())
            count += 1
        if file is not raw:
            file.close()
    return count


def _cuts(source: Path) -> Iterator[dict[str, Any]]:
    root = source.resolve().parent
    for where, row in located_rows(source):
        if "error" in row:
            continue
        if IN_TAR in row["audio"]:
            raise ParameterError(f"{where}: its audio is in a tar shard; render with --format folder for Lhotse")
        yield _cut(row, root, reference_of(row, where))


def _cut(row: dict[str, Any], root: Path, text: str | None) -> dict[str, Any]:
    recipe = row["recipe"]
    name, rate, num_samples = row["id"], recipe["sample_rate"], recipe["num_samples"]
    duration = num_samples / rate
    supervision = {
        "id": name,
        "recording_id": name,
        "start": 0.0,
        "duration": duration,
        "channel": 0,
        "text": text,
        "language": row["language"],
        **({"speaker": row["speaker"]} if "speaker" in row else {}),
    }
    recording = {
        "id": name,
        "sources": [{"type": "file", "channels": [0], "source": str(root / row["audio"])}],
        "sampling_rate": rate,
        "num_samples": num_samples,
        "duration": duration,
        "channel_ids": [0],
    }
    kept = ("scenario", "severity", "snr_db", "flags", "gain_db", "source_audio", "base_wer", "recipe")
    return {
        "id": name,
        "start": 0.0,
        "duration": duration,
        "channel": 0,
        "supervisions": [supervision],
        "recording": recording,
        "custom": {field: row[field] for field in kept if field in row},
        "type": "MonoCut",
    }

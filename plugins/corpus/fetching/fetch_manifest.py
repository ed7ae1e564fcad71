"""Writes the manifest of a fetched corpus; measures every recording and lists unreadable ones separately."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from pathlib import Path, PurePosixPath
from typing import Any

from megaasr import ManifestError, MegaasrError, atomic_path, jsonl_line, one_line, progress, write_text

from ..sources.base import Row, Source

MANIFEST = "manifest.jsonl"
UNREADABLE = "unreadable.jsonl"


def write_manifest(source: Source, roots: Mapping[str, Path], folder: Path) -> dict[str, Any]:
    """Write ``manifest.jsonl`` and, if some recordings cannot be read, ``unreadable.jsonl``.

    Args:
        source: the corpus that gives the rows.
        roots: root folder of each part, as `Source.locate` returns it; inside or outside `folder`.
        folder: folder of the manifest; paths of audio are relative to it.

    Returns:
        ``rows``, their ``hours`` and ``licence`` (every one that occurs), and the number of ``unreadable`` recordings.

    Raises:
        ManifestError: no recording can be read, or a copy lacks its metadata files.
        OutputError: the folder cannot be written.
    """
    rows, seconds = 0, 0.0
    licences: set[str] = set()
    unreadable: list[Row] = []
    with atomic_path(folder / MANIFEST) as temporary, temporary.open("w", encoding="utf-8") as file:
        for row in progress(_rows(source, roots, folder), total=None, what="measuring"):
            if "error" in row:
                unreadable.append(row)
                continue
            rows += 1
            seconds += row["duration_s"]
            licences.add(row["licence"])
            file.write(jsonl_line(row))
        if not rows:
            why = f"; {unreadable[0]['error']}" if unreadable else ""
            raise ManifestError(f"{source.name}: no recording of {len(unreadable)} can be read{why}")
    path = folder / UNREADABLE
    if unreadable:
        write_text(path, "".join(map(jsonl_line, unreadable)))
    else:
        path.unlink(missing_ok=True)
    return {
        "rows": rows,
        "hours": round(seconds / 3600, 4),
        "licence": ", ".join(sorted(licences)),
        "unreadable": len(unreadable),
    }


def relative(path: Path, folder: Path) -> str:
    """The path relative to `folder`, with forward slashes."""
    return Path(os.path.relpath(path.resolve(), folder.resolve())).as_posix()


def _rows(source: Source, roots: Mapping[str, Path], folder: Path) -> Iterator[Row]:
    for part, root in roots.items():
        for row in _source_rows(source, root, part):
            split = row.pop("split")
            if not _is_below(row["audio"]):
                yield {"audio": row["audio"], "error": f"the metadata name {row['audio']!r}, outside the corpus"}
                continue
            path = root / row["audio"]
            row["audio"] = relative(path, folder)
            try:
                row.update(_measure(path, with_channels=source.kind == "rir"))
            except Exception as error:  # of one recording: the others are measured
                what = "" if isinstance(error, MegaasrError) else f"{type(error).__name__}: "
                yield {"audio": row["audio"], "error": f"{what}{one_line(error)}"}
                continue
            row.setdefault("source", source.title)
            row.setdefault("licence", source.licence)
            yield {**row, "split": split}


def _source_rows(source: Source, root: Path, part: str) -> Iterator[Row]:
    """The rows of a part; whatever its metadata files make a source raise is one ManifestError."""
    try:
        yield from source.rows(root, part)
    except MegaasrError:
        raise
    except Exception as error:
        why = f"{type(error).__name__}: {one_line(error)[:200]}"
        raise ManifestError(f"{source.name}: the metadata of part {part} in {root} cannot be read ({why})") from error


def _is_below(audio: str) -> bool:
    """Whether a path of the corpus's metadata lies below the corpus as it is written."""
    path = PurePosixPath(audio.replace("\\", "/"))
    return not path.is_absolute() and ".." not in path.parts and "\0" not in audio


def _measure(path: Path, with_channels: bool) -> Row:
    """Duration in seconds, from the header and the last sample, and (`with_channels`) the number of channels."""
    from megaasr import AudioLimits, measure_audio

    frames, rate = measure_audio(path, AudioLimits(max_duration_s=float("inf"), convert=True))
    measured: Row = {"duration_s": round(frames / rate, 4)}
    if with_channels:
        import soundfile

        measured["channels"] = soundfile.info(path).channels
    return measured

"""Clips and manifests of the recipe's data sets: 16 kHz mono FLAC of 16 bit, whole or absent."""

from __future__ import annotations

import re
from collections.abc import Iterable
from hashlib import blake2b
from pathlib import Path
from typing import Any

import numpy as np

from megaasr import (
    SAMPLE_RATE_HZ,
    Audio,
    AudioLimits,
    ManifestError,
    Samples,
    atomic_path,
    jsonl_line,
    read_audio,
    read_jsonl,
    write_text,
)

MANIFEST = "manifest.jsonl"
DONE = "DONE"
"""Written last into a folder that is built; it holds the digest of what the folder was built from."""
SPLITS = ("train", "dev")
Row = dict[str, Any]


def read_clip(path: Path) -> Samples:
    """A recording as 16 kHz mono samples, whatever its rate and channels."""
    return read_audio(path, AudioLimits(convert=True)).resampled(SAMPLE_RATE_HZ).samples


def write_clip(path: Path, samples: Samples) -> None:
    """Write 16 kHz samples as FLAC of 16 bit; folders are made on the way."""
    import soundfile

    path.parent.mkdir(parents=True, exist_ok=True)
    clip = Audio(np.ascontiguousarray(samples, dtype=np.float32), SAMPLE_RATE_HZ, str(path))  # refuses NaN
    with atomic_path(path) as temporary:
        soundfile.write(temporary, clip.samples, clip.sample_rate, subtype="PCM_16", format="FLAC")


def duration_s(samples: Samples) -> float:
    """Length of 16 kHz samples as manifests give it, to the millisecond."""
    return round(len(samples) / SAMPLE_RATE_HZ, 3)


def find_manifest(place: Path, kind: str) -> Path:
    """The manifest that a folder means: its own, or that of its sub-folder ``speech``, ``noise`` or ``rir``.

    Raises:
        ManifestError: there is neither.
    """
    if place.is_file():
        return place
    for candidate in (place / MANIFEST, place / kind / MANIFEST):
        if candidate.is_file():
            return candidate
    raise ManifestError(f"{place}: holds neither {MANIFEST} nor {kind}/{MANIFEST}; name a folder or a manifest")


def read_rows(manifest: Path) -> list[Row]:
    """The rows of a manifest; ManifestError when one has no audio or a split other than train and dev."""
    rows = read_any_rows(manifest)
    for number, row in enumerate(rows, start=1):
        if row.get("split", "train") not in SPLITS:
            raise ManifestError(f"{manifest}, line {number}: split {row['split']!r} is neither train nor dev")
    return rows


def read_any_rows(manifest: Path) -> list[Row]:
    """The rows of a manifest, whatever their split; ManifestError when one has no audio."""
    rows = read_jsonl(manifest)
    for number, row in enumerate(rows, start=1):
        if not isinstance(row.get("audio"), str):
            raise ManifestError(
                f"{manifest}, line {number}: needs 'audio', a path; it has {', '.join(row) or 'nothing'}"
            )
    return rows


def write_manifest(path: Path, rows: Iterable[Row]) -> None:
    """Write rows sorted by their audio, so that the order in which they were made leaves no trace."""
    path.parent.mkdir(parents=True, exist_ok=True)
    write_text(path, "".join(jsonl_line(row) for row in sorted(rows, key=lambda row: str(row["audio"]))))


def digest_of(*parts: object) -> str:
    """A short name for settings and inputs: equal digests, equal results."""
    return blake2b(repr(parts).encode(), digest_size=8).hexdigest()


def code_digest(*modules: str) -> str:
    """The digest of source files (``__file__`` of each), so that what changed code made is made again."""
    return digest_of(*(Path(module).read_text(encoding="utf-8") for module in modules))


def is_done(folder: Path, digest: str) -> bool:
    """Whether a folder was built to its end from just these settings and inputs."""
    mark = folder / DONE
    return mark.is_file() and mark.read_text(encoding="utf-8").strip() == digest


def mark_undone(folder: Path) -> None:
    """Take the mark away before anything in the folder changes, so that a killed run never looks finished."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / DONE).unlink(missing_ok=True)


def mark_done(folder: Path, digest: str) -> None:
    """Say that a folder is built to its end."""
    write_text(folder / DONE, digest + "\n")


def sweep(folder: Path, keep: Iterable[Path]) -> int:
    """Remove the FLAC files below a folder that no row names: leftovers of other settings; how many there were."""
    kept = {path.resolve() for path in keep}
    stray = [path for path in folder.rglob("*.flac") if path.resolve() not in kept]
    for path in stray:
        path.unlink()
    return len(stray)


def slug(text: str) -> str:
    """Text as part of a file name.

    >>> slug("Blanket ambience: rain")
    'blanket-ambience-rain'
    """
    return re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-") or "x"

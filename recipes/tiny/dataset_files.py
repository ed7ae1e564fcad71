"""Files of the recipe's data sets: clips (16 kHz mono FLAC, 16 bit), manifests and marks of completed folders."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
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
    reference_of,
    write_text,
)

MANIFEST = "manifest.jsonl"
DONE = "DONE"
"""Name of the mark, written last into a built folder; it holds the digest of the folder's settings and inputs."""
SPLITS = ("train", "dev")
CLIPS = (".flac", ".opus")
"""Endings of the names of clips."""
Row = dict[str, Any]


def read_clip(path: Path) -> Samples:
    """Read a recording of any rate and number of channels as 16 kHz mono samples."""
    return read_audio(path, AudioLimits(convert=True)).resampled(SAMPLE_RATE_HZ).samples


def write_clip(path: Path, samples: Samples) -> None:
    """Write 16 kHz samples as 16-bit FLAC; missing folders are created."""
    import soundfile

    path.parent.mkdir(parents=True, exist_ok=True)
    clip = Audio(np.ascontiguousarray(samples, dtype=np.float32), SAMPLE_RATE_HZ, str(path))  # refuses NaN
    with atomic_path(path) as temporary:
        soundfile.write(temporary, clip.samples, clip.sample_rate, subtype="PCM_16", format="FLAC")


def duration_s(samples: Samples) -> float:
    """The length of 16 kHz samples in seconds, rounded to milliseconds as in manifests."""
    return round(len(samples) / SAMPLE_RATE_HZ, 3)


def find_manifest(place: Path, kind: str) -> Path:
    """The manifest of a folder, or of its sub-folder `kind` (``speech``, ``noise`` or ``rir``).

    Raises:
        ManifestError: neither exists.
    """
    if place.is_file():
        return place
    for candidate in (place / MANIFEST, place / kind / MANIFEST):
        if candidate.is_file():
            return candidate
    raise ManifestError(f"{place}: holds neither {MANIFEST} nor {kind}/{MANIFEST}; name a folder or a manifest")


def read_rows(manifest: Path, splits: Sequence[str] = SPLITS) -> list[Row]:
    """The rows of a manifest; ManifestError when a row has no audio, or a split that is none of `splits`."""
    rows = read_any_rows(manifest)
    for number, row in enumerate(rows, start=1):
        if row.get("split", "train") not in splits:
            raise ManifestError(f"{manifest}, line {number}: split {row['split']!r} is none of {', '.join(splits)}")
    return rows


def read_any_rows(manifest: Path) -> list[Row]:
    """The rows of a manifest, whatever their split, with the words that were spoken in ``text`` where they are known.

    Raises:
        ManifestError: a row has no audio, or two references that differ.
    """
    rows = read_jsonl(manifest)
    for number, row in enumerate(rows, start=1):
        if not isinstance(row.get("audio"), str):
            raise ManifestError(
                f"{manifest}, line {number}: lacks 'audio', a path; its fields are {', '.join(row) or 'none'}"
            )
        if (said := reference_of(row, f"{manifest}, line {number}")) is not None:
            row["text"] = said
    return rows


def write_manifest(path: Path, rows: Iterable[Row]) -> None:
    """Write rows sorted by audio path, so that the file does not depend on the order in which rows were made."""
    path.parent.mkdir(parents=True, exist_ok=True)
    write_text(path, "".join(jsonl_line(row) for row in sorted(rows, key=lambda row: str(row["audio"]))))


def digest_of(*parts: object) -> str:
    """A digest of settings and inputs, 16 hex digits."""
    return blake2b(repr(parts).encode(), digest_size=8).hexdigest()


def code_digest(*modules: str) -> str:
    """A digest of source files (``__file__`` of each), so that data is built again when its code changes."""
    return digest_of(*(Path(module).read_text(encoding="utf-8") for module in modules))


def is_done(folder: Path, digest: str) -> bool:
    """Whether a folder was completed from exactly these settings and inputs."""
    mark = folder / DONE
    return mark.is_file() and mark.read_text(encoding="utf-8").strip() == digest


def mark_undone(folder: Path) -> None:
    """Remove the mark of a folder before its files change, so that a killed run does not look complete."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / DONE).unlink(missing_ok=True)


def mark_done(folder: Path, digest: str) -> None:
    """Mark a folder as complete."""
    write_text(folder / DONE, digest + "\n")


def sweep(folder: Path, keep: Iterable[Path]) -> int:
    """Remove the clips below a folder that are not in `keep` (left by other settings); return their number."""
    kept = {path.resolve() for path in keep}
    clips = (path for path in folder.rglob("*") if path.suffix in CLIPS)
    stray = [path for path in clips if path.resolve() not in kept]
    for path in stray:
        path.unlink()
    return len(stray)


def slug(text: str) -> str:
    """The text in a form that suits file names: small letters, digits and hyphens.

    >>> slug("Blanket ambience: rain")
    'blanket-ambience-rain'
    """
    return re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-") or "x"

"""The recipe's small manifests: what to choose and to measure by, and room responses by split.

    python -m recipes.tiny.manifests DATA --out OUT

Reads ``OUT/clean`` and ``OUT/packs`` too, as select_speech and pack_speech leave them.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer

from . import clips, command
from .clips import MANIFEST, Row
from .pack_speech import SYNTHETIC

CLEAN_PASSAGES = 150
"""Passages that are learned from as they are."""


def named_from(rows: list[Row], root: Path, folder: Path) -> list[Row]:
    """Rows with their audio named from another folder."""
    return [{**row, "audio": os.path.relpath(root / row["audio"], folder)} for row in rows]


def write_all(data: Path, out: Path) -> dict[Path, int]:
    """Write every manifest; how many rows each has.

    Raises:
        ManifestError: one that they are made from is missing.
    """
    clean = clips.read_rows(out / "clean" / MANIFEST)
    people = [row for row in clean if SYNTHETIC not in str(row.get("text_source"))]
    rooms = clips.read_rows(data / "rir" / MANIFEST)
    passages = clips.read_rows(out / "packs" / MANIFEST)[:CLEAN_PASSAGES]
    made = {
        out / "dev" / "clean.jsonl": ([row for row in people if row["split"] == "dev"], out / "clean"),
        out / "clean" / "people.jsonl": ([row for row in people if row["split"] == "train"], out / "clean"),
        out / "packs" / "clean.jsonl": (passages, out / "packs"),
    }
    for split in clips.SPLITS:
        own = [row for row in rooms if row["split"] == split and row.get("kind", "room") == "room"]
        made[out / "rir" / f"{split}.jsonl"] = (own, data / "rir")
    real = data / "dev_real" / "noizeus"
    if (real / MANIFEST).is_file():
        # Never learned from. Half of its sentences choose checkpoint and scale, so the others tell what that is worth.
        listed = clips.read_any_rows(real / MANIFEST)
        texts = sorted({row["text"] for row in listed})
        chosen_by = set(texts[: (len(texts) + 1) // 2])
        rows = [{**row, "split": "dev", "chosen_by": row["text"] in chosen_by} for row in listed]
        made[out / "dev" / "real.jsonl"] = (rows, real)
        made[out / "dev" / "steer.jsonl"] = ([row for row in rows if row["chosen_by"]], real)
    for path, (rows, root) in made.items():
        clips.write_manifest(path, named_from(rows, root.resolve(), path.parent.resolve()))
    return {path: len(rows) for path, (rows, _) in made.items()}


def main(
    data: Annotated[Path, typer.Argument(help="Folder with rir/ and perhaps dev_real/.")],
    out: Annotated[Path, typer.Option(help="The recipe's folder.")],
) -> None:
    """Write the manifests of dev sets, clean passages and rooms."""
    for path, count in write_all(data, out).items():
        command.say(f"{path}: {count} rows")


if __name__ == "__main__":
    command.run(main)

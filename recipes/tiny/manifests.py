"""Write the recipe's small manifests: evaluation sets, clean training passages, and room responses by split.

    python -m recipes.tiny.manifests DATA --out OUT

Also reads ``OUT/clean`` and ``OUT/packs``, which select_speech and pack_speech write.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer

from . import command, dataset_files
from .dataset_files import MANIFEST, Row
from .pack_speech import SYNTHETIC

CLEAN_PASSAGES = 150
"""Number of undegraded passages in the training data."""


def named_from(rows: list[Row], root: Path, folder: Path) -> list[Row]:
    """Rows with audio paths relative to another folder."""
    return [{**row, "audio": os.path.relpath(root / row["audio"], folder)} for row in rows]


def write_all(data: Path, out: Path) -> dict[Path, int]:
    """Write every manifest and return the number of rows of each.

    Raises:
        ManifestError: an input manifest is missing.
    """
    clean = dataset_files.read_rows(out / "clean" / MANIFEST)
    people = [row for row in clean if SYNTHETIC not in str(row.get("text_source"))]
    rooms = dataset_files.read_rows(data / "rir" / MANIFEST)
    passages = dataset_files.read_rows(out / "packs" / MANIFEST)[:CLEAN_PASSAGES]
    made = {
        out / "dev" / "clean.jsonl": ([row for row in people if row["split"] == "dev"], out / "clean"),
        out / "clean" / "people.jsonl": ([row for row in people if row["split"] == "train"], out / "clean"),
        out / "packs" / "clean.jsonl": (passages, out / "packs"),
    }
    for split in dataset_files.SPLITS:
        of_split = [row for row in rooms if row["split"] == split and row.get("kind", "room") == "room"]
        made[out / "rir" / f"{split}.jsonl"] = (of_split, data / "rir")
    real = data / "dev_real" / "noizeus"
    if (real / MANIFEST).is_file():
        # Never trained on. Half of the sentences choose checkpoint and scale; the other half measures that choice.
        listed = dataset_files.read_any_rows(real / MANIFEST)
        texts = sorted({row["text"] for row in listed})
        chosen_by = set(texts[: (len(texts) + 1) // 2])
        rows = [{**row, "split": "dev", "chosen_by": row["text"] in chosen_by} for row in listed]
        made[out / "dev" / "real.jsonl"] = (rows, real)
        made[out / "dev" / "steer.jsonl"] = ([row for row in rows if row["chosen_by"]], real)
    for path, (rows, root) in made.items():
        dataset_files.write_manifest(path, named_from(rows, root.resolve(), path.parent.resolve()))
    return {path: len(rows) for path, (rows, _) in made.items()}


def main(
    data: Annotated[Path, typer.Argument(help="Folder with rir/ and perhaps dev_real/.")],
    out: Annotated[Path, typer.Option(help="The recipe's folder.")],
) -> None:
    """Write the manifests of dev sets, clean passages and room responses."""
    for path, count in write_all(data, out).items():
        command.say(f"{path}: {count} rows")


if __name__ == "__main__":
    command.run(main)

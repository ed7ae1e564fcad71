"""Write the recipe's small manifests: clean speech for the router, and the utterances that are degraded to choose by.

    python -m recipes.tiny.manifests --out OUT

Reads ``OUT/clean``, ``OUT/packs`` and ``OUT/parts``, which select_speech, pack_speech and families write. Writes
``OUT/clean/people.jsonl``, ``OUT/packs/clean.jsonl``, ``OUT/sources/choose.jsonl`` and ``OUT/sources/report.jsonl``.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from . import command, dataset_files
from .dataset_files import MANIFEST, Row
from .pack_speech import SYNTHETIC
from .part_files import write_relative
from .parts import HELD

CLEAN_CLIPS = 1_200
"""Maximum number of clean utterances of human speakers that the router is trained on."""
CLEAN_PASSAGES = 150
"""Number of undegraded passages that the router is trained on."""
CLEAN_SNR_DB = 30.0
"""Lowest estimated SNR of an utterance that counts as clean; utterances without an estimate are studio recordings."""
SIMULATED_FROM = ("commonvoice", "nonnative", "librispeech")
"""Families whose clean utterances are degraded for the simulated family."""


def is_clean(row: Row) -> bool:
    """Whether an utterance has no audible noise of its own."""
    return float(row.get("snr_est_db", CLEAN_SNR_DB)) >= CLEAN_SNR_DB


def located(rows: Sequence[Row], root: Path) -> list[Row]:
    """The rows with the absolute path of their audio as ``from``."""
    return [{**row, "from": os.path.normpath(root.resolve() / row["audio"])} for row in rows]


def write_all(out: Path) -> dict[Path, int]:
    """Write every manifest and return the number of rows of each.

    Raises:
        ManifestError: an input manifest is missing.
    """
    clean = dataset_files.read_rows(out / "clean" / MANIFEST)
    people = [row for row in clean if SYNTHETIC not in str(row.get("text_source")) and is_clean(row)]
    people.sort(key=lambda row: str(row.get("clip", "")))  # a digest, so that the first are a random sample
    passages = dataset_files.read_rows(out / "packs" / MANIFEST)[:CLEAN_PASSAGES]
    made = {
        out / "clean" / "people.jsonl": located(people[:CLEAN_CLIPS], out / "clean"),
        out / "packs" / "clean.jsonl": located(passages, out / "packs"),
    }
    for part in HELD:
        rows = dataset_files.read_any_rows(out / "parts" / f"{part}.jsonl")
        used = [row for row in rows if row["family"] in SIMULATED_FROM and is_clean(row)]
        made[out / "sources" / f"{part}.jsonl"] = located(used, out / "parts")
    for path, rows in made.items():
        write_relative(path, rows)
    return {path: len(rows) for path, rows in made.items()}


def main(out: Annotated[Path, typer.Option(help="The recipe's folder.")]) -> None:
    """Write the manifests of clean speech for the router and of the utterances that are degraded."""
    for path, count in write_all(out).items():
        command.say(f"{path}: {count} rows")


if __name__ == "__main__":
    command.run(main)

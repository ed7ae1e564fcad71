"""Join plans and manifests into one manifest, so that one table can report all of them.

python -m recipes.tiny.join_manifests PLAN|MANIFEST.jsonl ... --out OUT.jsonl --most 130
"""

from __future__ import annotations

import os
from collections import Counter
from pathlib import Path
from typing import Annotated

import typer

from megaasr import jsonl_line, located_rows, write_text

from . import command
from .dataset_files import Row
from .parts import sentence_of


def join(places: list[Path], folder: Path) -> list[Row]:
    """The rows of all plans and manifests in order, with audio paths relative to `folder`.

    Each row has an ``id`` and a ``condition``: its own, else ``degraded`` where it has a scenario and ``clean`` where
    it has none. A clean row has the scenario ``clean``. A row of a plan is of the family ``simulated``;
    ``sentence_id`` is the digest of its text, ``utterance`` names the recording that was degraded, and ``cluster``
    is its speaker.
    """
    rows: list[Row] = []
    for place in places:
        root = place if place.is_dir() else place.parent
        for _, row in located_rows(place):
            kept = {name: value for name, value in row.items() if name != "recipe"}
            audio = os.path.relpath(root.resolve() / row["audio"], folder.resolve())
            condition = "degraded" if "scenario" in kept else "clean"
            named = {"condition": condition, **kept, "id": f"{place.stem}-{len(rows):06d}", "audio": audio}
            if "scenario" in kept:
                rows.append(_simulated(named))
            else:
                rows.append({"scenario": "clean", **named} if named["condition"] == "clean" else named)
    return rows


def first_of_each(rows: list[Row], most: int) -> list[Row]:
    """The first `most` rows of each family, in the order of the rows."""
    found = Counter[str]()
    kept = []
    for row in rows:
        found[row["family"]] += 1
        if found[row["family"]] <= most:
            kept.append(row)
    return kept


def _simulated(row: Row) -> Row:
    sentence = sentence_of(str(row["text"]))
    added = {"family": "simulated", "sentence_id": sentence}
    if "speaker" in row:  # passages of several speakers have no such field
        added |= {"utterance": f"{row['speaker']}/{sentence}", "cluster": row["speaker"]}
    return {**row, **added}


def main(
    places: Annotated[list[Path], typer.Argument(help="Plans and manifests.")],
    out: Annotated[Path, typer.Option(help="The manifest to write.")],
    most: Annotated[int | None, typer.Option(min=1, help="Only so many first rows of each family.")] = None,
) -> None:
    """Join plans and manifests into one manifest."""
    rows = join(places, out.parent)
    if most is not None:
        rows = first_of_each(rows, most)
    write_text(out, "".join(map(jsonl_line, rows)))
    command.say(f"{out}: {len(rows)} rows")


if __name__ == "__main__":
    command.run(main)

"""Join plans and manifests into one manifest, so that one table can report all of them.

python -m recipes.tiny.join_manifests PLAN|MANIFEST.jsonl ... --out OUT.jsonl
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer

from megaasr import jsonl_line, located_rows, write_text

from . import command
from .dataset_files import Row


def join(places: list[Path], folder: Path) -> list[Row]:
    """The rows of all plans and manifests in order, with audio paths relative to `folder`.

    A clip that is not degraded has the scenario and the condition ``clean``, any other the condition ``degraded``.
    """
    rows = []
    for place in places:
        root = place if place.is_dir() else place.parent
        for number, (_, row) in enumerate(located_rows(place)):
            kept = {name: value for name, value in row.items() if name != "recipe"}
            audio = os.path.relpath(root.resolve() / row["audio"], folder.resolve())
            condition = "degraded" if "scenario" in kept else "clean"
            added = {"id": f"{place.stem}-{number:06d}", "audio": audio, "condition": condition}
            rows.append({"scenario": "clean", **kept, **added})
    return rows


def main(
    places: Annotated[list[Path], typer.Argument(help="Plans and manifests.")],
    out: Annotated[Path, typer.Option(help="The manifest to write.")],
) -> None:
    """Join plans and manifests into one manifest."""
    rows = join(places, out.parent)
    write_text(out, "".join(map(jsonl_line, rows)))
    command.say(f"{out}: {len(rows)} rows")


if __name__ == "__main__":
    command.run(main)

"""Join the results of base and adapter on the same clips into one file of outcomes, which the router is trained on.

python -m recipes.tiny.outcomes BASE.jsonl ROBUST.jsonl --out OUTCOMES.jsonl
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from megaasr import ManifestError, jsonl_line, read_jsonl, write_text

from . import command
from .dataset_files import Row


def check_same(base: list[Row], robust: list[Row]) -> None:
    """Raise ManifestError when two files of results are not of the same clips, or when a clip failed."""
    names = [[(row.get("id"), row.get("audio")) for row in rows] for rows in (base, robust)]
    if names[0] != names[1]:
        raise ManifestError("the two files of results are not of the same clips in the same order")
    for row in (*base, *robust):
        if "error" in row:
            raise ManifestError(f"{row['audio']} failed: {row['error']}")


def join(base: list[Row], robust: list[Row]) -> list[Row]:
    """The outcome of each clip: ``id`` (or its audio path), ``base_edits`` and ``robust_edits``.

    Raises:
        ManifestError: the files are not of the same clips, or a clip failed.
    """
    check_same(base, robust)
    return [
        {"id": row.get("id", row.get("audio")), "base_edits": row["num_edits"], "robust_edits": robust_row["num_edits"]}
        for row, robust_row in zip(base, robust, strict=True)
    ]


def main(
    base: Annotated[Path, typer.Argument(help="Results of `megaasr eval` by the base.")],
    robust: Annotated[Path, typer.Argument(help="Results of the adapter on the same clips.")],
    out: Annotated[Path, typer.Option(help="File of outcomes to write.")],
) -> None:
    """Join two files of results into one file of outcomes."""
    rows = join(read_jsonl(base), read_jsonl(robust))
    write_text(out, "".join(map(jsonl_line, rows)))
    fewer = sum(row["robust_edits"] < row["base_edits"] for row in rows)
    more = sum(row["robust_edits"] > row["base_edits"] for row in rows)
    command.say(f"{out}: {len(rows)} clips; the adapter has fewer edits in {fewer}, more in {more}")


if __name__ == "__main__":
    command.run(main)

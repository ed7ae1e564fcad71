"""Which route gave fewer edits: two files of results of the same clips, as one of outcomes for the router.

python -m recipes.tiny.outcomes BASE.jsonl ROBUST.jsonl --out OUTCOMES.jsonl
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from megaasr import ManifestError, jsonl_line, read_jsonl, write_text

from . import command
from .clips import Row


def check_same(base: list[Row], robust: list[Row]) -> None:
    """ManifestError when two files of results are not of the same clips, or one of them failed."""
    names = [[(row.get("id"), row.get("audio")) for row in rows] for rows in (base, robust)]
    if names[0] != names[1]:
        raise ManifestError("the two files of results are not of the same clips in the same order")
    for row in (*base, *robust):
        if "error" in row:
            raise ManifestError(f"{row['audio']} failed: {row['error']}")


def join(base: list[Row], robust: list[Row]) -> list[Row]:
    """A row a clip: ``id`` (else its audio), ``base_edits``, ``robust_edits``, as the router's sources take them.

    Raises:
        ManifestError: the files are not of the same clips, or one of them failed.
    """
    check_same(base, robust)
    return [
        {"id": one.get("id", one.get("audio")), "base_edits": one["num_edits"], "robust_edits": other["num_edits"]}
        for one, other in zip(base, robust, strict=True)
    ]


def main(
    base: Annotated[Path, typer.Argument(help="Results of `megaasr eval` by the base.")],
    robust: Annotated[Path, typer.Argument(help="Results of the adapter on the same clips.")],
    out: Annotated[Path, typer.Option(help="Where the outcomes go, beside both.")],
) -> None:
    """Join two files of results to outcomes."""
    rows = join(read_jsonl(base), read_jsonl(robust))
    write_text(out, "".join(map(jsonl_line, rows)))
    fewer = sum(row["robust_edits"] < row["base_edits"] for row in rows)
    more = sum(row["robust_edits"] > row["base_edits"] for row in rows)
    command.say(f"{out}: {len(rows)} clips; the adapter has fewer edits in {fewer}, more in {more}")


if __name__ == "__main__":
    command.run(main)

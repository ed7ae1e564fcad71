"""Helpers of the recipe's commands: one-line errors and printed tables."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any

import typer

from megaasr import MegaasrError

from .dataset_files import Row

say = typer.echo


def run(command: Callable[..., None]) -> None:
    """Run a typer function as a command; a MegaasrError is printed as one line and exits with code 2."""
    try:
        typer.run(command)
    except MegaasrError as error:
        typer.echo(f"error: {error}", err=True)
        raise SystemExit(2) from error


def summary_of(rows: Sequence[Row], by: str = "source") -> list[dict[str, Any]]:
    """Clips, hours and speakers by source (or another field) and split; the totals come last."""
    groups: dict[tuple[str, str], list[Row]] = {}
    for row in rows:
        groups.setdefault((str(row[by]), row["split"]), []).append(row)
    table = [_line(by, name, split, groups[name, split]) for name, split in sorted(groups)]
    splits = sorted(Counter(row["split"] for row in rows), reverse=True)
    return table + [_line(by, "all", split, [row for row in rows if row["split"] == split]) for split in splits]


def _line(by: str, name: str, split: str, rows: Sequence[Row]) -> dict[str, Any]:
    line = {by: name, "split": split, "clips": len(rows)}
    line["hours"] = round(sum(row["duration_s"] for row in rows) / 3600, 3)
    if any("speaker" in row for row in rows):
        line["speakers"] = len({row.get("speaker") for row in rows})
    return line


def show(table: Sequence[dict[str, Any]]) -> None:
    """Print a table with aligned columns."""
    if not table:
        return
    lines = [list(table[0]), *([str(line.get(name, "")) for name in table[0]] for line in table)]
    widths = [max(len(cells[column]) for cells in lines) for column in range(len(lines[0]))]
    for cells in lines:
        say("  ".join(cell.ljust(width) for cell, width in zip(cells, widths, strict=True)).rstrip())

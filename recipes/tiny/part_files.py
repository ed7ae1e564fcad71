"""Manifests and tables of the parts of the recipe's data."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from megaasr import jsonl_line, tokenise, write_text

from .dataset_files import Row
from .family_rows import FAMILIES, Family
from .parts import HELD, PARTS

Held = dict[str, dict[str, list[Row]]]
"""Rows by part (choose, report) and by family."""
CARRIED = ("duration_s", "source", "snr_db", "noise", "snr_est_db", "gender", "age", "accent")
"""Fields that a family's manifest takes over from a row that has them."""


def described(row: Row, family: Family, part: str) -> Row:
    """The row of a family's manifest; ``split`` is the part, ``cluster`` names what its words depend on."""
    fields = {name: row[name] for name in ("text", "speaker", "sentence_id", "clip", "licence", "from")}
    fields |= {"language": "en", "family": family.name, "condition": family.condition, "split": part}
    fields |= {name: row[name] for name in CARRIED if row.get(name) is not None}
    return {**fields, "cluster": row[family.cluster]}


def write_relative(path: Path, rows: Sequence[Row]) -> None:
    """Write a manifest whose audio paths are relative to its folder, from the absolute paths in ``from``.

    Rows are in the order of ``clip`` where they have it: a digest, so that the first N rows are a random sample.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    folder = path.parent.resolve()
    ordered = sorted(rows, key=lambda row: (str(row.get("clip", "")), row["from"]))
    named = ({**row, "audio": os.path.relpath(row["from"], folder)} for row in ordered)
    write_text(path, "".join(jsonl_line({name: row[name] for name in row if name != "from"}) for row in named))


def write_families(out: Path, held: Held) -> None:
    """Write OUT/PART/FAMILY.jsonl and OUT/PART.jsonl for the parts choose and report."""
    for part in HELD:
        of_part = {
            family.name: [described(row, family, part) for row in held[part][family.name]] for family in FAMILIES
        }
        for name, rows in of_part.items():
            write_relative(out / part / f"{name}.jsonl", rows)
        write_relative(out / f"{part}.jsonl", [row for rows in of_part.values() for row in rows])


def table_of(train: Sequence[Row], held: Held) -> list[dict[str, Any]]:
    """Clips, hours, words, speakers and sentences of each family in choose and report, and of each source in train."""
    table = [line_of(family.name, part, held[part][family.name]) for family in FAMILIES for part in HELD]
    sources = sorted({str(row["source"]) for row in train})
    table += [line_of(source, "train", [row for row in train if row["source"] == source]) for source in sources]
    return [*table, line_of("all", "train", train)]


def line_of(name: str, part: str, rows: Sequence[Row]) -> dict[str, Any]:
    """The numbers of one family or source in one part."""
    return {
        "name": name,
        "part": part,
        "clips": len(rows),
        "hours": round(sum(row["duration_s"] for row in rows) / 3600, 3),
        "words": sum(len(tokenise(str(row["text"]))) for row in rows),
        "speakers": len({row["speaker"] for row in rows}),
        "sentences": len({row["sentence_id"] for row in rows}),
    }


def table_of_sounds(noise: Sequence[Row], rooms: Sequence[Row]) -> list[dict[str, Any]]:
    """Recordings of noise and measurements of rooms in each part."""
    table = []
    for part in PARTS:
        own, measured = ([row for row in rows if row["split"] == part] for rows in (noise, rooms))
        line: dict[str, Any] = {"part": part, "noise clips": len(own)}
        line["noise recordings"] = len({row["recording"] for row in own})
        line["noise categories"] = len({row["category"] for row in own})
        line["room responses"] = len(measured)
        line["room measurements"] = len({row["measurement"] for row in measured})
        table.append(line)
    return table

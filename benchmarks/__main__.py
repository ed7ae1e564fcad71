"""Run all benchmarks (`make bench`): parity, speed, reading, scaling and memory, each comparison within one run."""

from __future__ import annotations

import json
import sys
from pathlib import Path

from megaasr import hardware

from .memory import memory_rows
from .parity import drawn_rows, parity_rows
from .reading import reading_rows
from .scaling import scaling_rows
from .speed import speed_rows

RESULTS = Path(__file__).with_name("results")


def main() -> None:
    """Run every benchmark, print a Markdown table and write a JSON file for each."""
    machine = hardware()
    RESULTS.mkdir(exist_ok=True)
    for name, measure in (
        ("parity", parity_rows),
        ("drawn", drawn_rows),
        ("speed", speed_rows),
        ("reading", reading_rows),
        ("scaling", scaling_rows),
        ("memory", memory_rows),
    ):
        rows = measure()
        (RESULTS / f"{name}.json").write_text(json.dumps({"hardware": machine, "rows": rows}, indent=1) + "\n")
        sys.stdout.write(f"\n## {name}\n\n{table(rows)}\n")


def table(rows: list[dict[str, object]]) -> str:
    """Rows with the same keys as a Markdown table."""
    head = list(rows[0])
    lines = [head, ["---"] * len(head), *([str(row[key]) for key in head] for row in rows)]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


if __name__ == "__main__":
    main()

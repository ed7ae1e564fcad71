"""Write the verdict of the guard on every family, against the base and against each baseline.

    python -m recipes.tiny.verdicts results/report.routed.jsonl --against base=results/report.base.jsonl \
        --out report/verdicts.md

One line for each family and baseline: not worse, worse, or cannot tell, by the rules of ``megaasr eval --never-worse``.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from megaasr import ParameterError, read_jsonl, write_text
from megaasr_plugins.evaluation.never_worse import Rules, never_worse

from . import command
from .dataset_files import Row
from .measuring import CLUSTER

FAMILY = "family:"


def verdicts(rows: list[Row], against: dict[str, list[Row]], rules: Rules) -> list[list[str]]:
    """Family, baseline, outcome and reason, for each family and baseline.

    Args:
        rows: results of the system.
        against: results of each baseline on the same utterances, by its name.
        rules: margin, minima and maximum of the guard.
    """
    lines = []
    for name, base in against.items():
        found = never_worse(rows, base, rules, by=("family",), cluster=CLUSTER[1])[1]
        for slice_name, verdict in found.slices.items():
            if slice_name.startswith(FAMILY):
                lines.append([slice_name.removeprefix(FAMILY).strip(), name, verdict.outcome, verdict.reason])
    return sorted(lines, key=lambda line: line[0])


def named(argument: str) -> tuple[str, Path]:
    """The name and the file of ``NAME=FILE``; ParameterError for another form."""
    name, sign, file = argument.partition("=")
    if not (name and sign and file):
        raise ParameterError(f"--against {argument!r}: NAME=FILE is expected, such as base=results/report.base.jsonl")
    return name, Path(file)


def main(
    results: Annotated[Path, typer.Argument(help="Results of the system.")],
    against: Annotated[list[str], typer.Option(metavar="NAME=FILE", help="Results of a baseline. Repeatable.")],
    out: Annotated[Path, typer.Option(help="Table to write.")],
) -> None:
    """Write the table of verdicts."""
    others = {name: read_jsonl(file) for name, file in map(named, against)}
    lines = verdicts(read_jsonl(results), others, Rules())
    heads = ["family", "against", "verdict", "WER, difference with 95 % interval, margin and size"]
    table = [heads, ["---"] * len(heads), *lines]
    write_text(out, "".join(f"| {' | '.join(line)} |\n" for line in table))
    for line in lines:
        command.say(" ".join(line[:3]))


if __name__ == "__main__":
    command.run(main)

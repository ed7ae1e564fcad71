"""Markdown tables and the texts of their cells."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

PERCENT = 100.0


def pairs(values: dict[str, Any]) -> str:
    """Names with their values in one line, without values that are None."""
    return ", ".join(f"{name} {value}" for name, value in values.items() if value is not None)


def clusters_line(clusters: dict[str, Any]) -> str:
    """What the intervals are of: a line of a report, from `Clusters.as_json`."""
    which = f"{clusters['count']} clusters by {clusters['field']} ({clusters['reason']})"
    return f"- intervals: 95 %, bootstrap over {which}; none for fewer than 2"


def interval(estimate: dict[str, Any] | None, form: str = ".2f") -> str:
    """An estimate with interval in percent, ``12.34 [10.00, 15.00]``; ``-`` for unknown values and infinite limits."""
    if estimate is None:
        return "-"
    value, low, high = (
        "-" if estimate[name] is None else f"{PERCENT * estimate[name]:{form}}" for name in ("value", "low", "high")
    )
    return f"{value} [-]" if low == high == "-" else f"{value} [{low}, {high}]"


def percent(rate: float, form: str = ".2f") -> str:
    """A rate in percent: 0.1234 becomes ``12.34``."""
    return f"{PERCENT * rate:{form}}"


def counted(count: int, of: int) -> str:
    """A count with its percentage of a total: ``12 (3.4)``."""
    return f"{count} ({percent(count / max(of, 1), '.1f')})"


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    """Lines of a Markdown table; the first column is left-aligned, the others right-aligned."""
    head, *rows = ([cell.replace("|", r"\|") for cell in line] for line in (head, *rows))
    widths = [max(3, *(len(line[column]) for line in (head, *rows))) for column in range(len(head))]

    def line(cells: Sequence[str]) -> str:
        first, *others = (
            cell.ljust(w) if i == 0 else cell.rjust(w) for i, (cell, w) in enumerate(zip(cells, widths, strict=True))
        )
        return "| " + " | ".join([first, *others]) + " |"

    rule = ["-" * widths[0], *("-" * (width - 1) + ":" for width in widths[1:])]
    return [line(head), line(rule), *map(line, rows)]

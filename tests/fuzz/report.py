"""The table of a campaign, and the faults by cause."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence

from .campaign import Result
from .oracle import FAULTS


def table(results: Iterable[Result]) -> str:
    """Kind by fault, in cases, as Markdown; a case with two faults counts in both columns."""
    cases: Counter[str] = Counter()
    counts: Counter[tuple[str, str]] = Counter()
    calls: Counter[tuple[str, str]] = Counter()
    for result in results:
        cases[result.kind] += 1
        calls[result.kind, "accepted"] += result.accepted
        calls[result.kind, "refused"] += result.refused
        counts.update((result.kind, fault) for fault in {one.fault for one in result.faults})
    columns = ("kind", "cases", "calls accepted", "calls refused", *FAULTS)
    lines = ["| " + " | ".join(columns) + " |", "| --- |" + " ---: |" * (len(columns) - 1)]
    for kind in cases:
        numbers = (
            cases[kind],
            calls[kind, "accepted"],
            calls[kind, "refused"],
            *(counts[kind, fault] for fault in FAULTS),
        )
        lines.append(f"| {kind} | " + " | ".join(map(str, numbers)) + " |")
    return "\n".join(lines) + "\n"


def causes(results: Sequence[Result], most: int = 3) -> str:
    """The faults by kind, fault, place and form of the message, the most frequent first, each with a few cases."""
    groups: dict[tuple[str, str, str, str], list[tuple[Result, str, str]]] = {}
    for result in results:
        for fault in result.faults:
            form = re.sub(r"/\S+|\d+(\.\d+)?|'[^']*'", "…", fault.detail)[:70]
            place = fault.where or result.note.partition(":")[0][:40]
            group = groups.setdefault((result.kind, fault.fault, place, form), [])
            group.append((result, fault.call, fault.detail))
    lines = []
    for (kind, fault, where, _), found in sorted(groups.items(), key=lambda item: (item[0][0], -len(item[1]))):
        numbers = {result.number for result, _, _ in found}
        lines.append(f"\n## {kind}: {fault} at {where}: {len(numbers)} cases")
        for result, call, detail in found[:most]:
            lines.append(f"- {call}: {detail[:300]}\n  - {result.note[:200]}\n  - `{result.again}`; `{result.command}`")
    return "\n".join(lines) + "\n"

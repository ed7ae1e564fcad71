"""Comparison of an evaluation with another: added to its report, and what `--never-worse` says and returns."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from megaasr.commands import EXIT_CANNOT_TELL, EXIT_WORSE, say

if TYPE_CHECKING:
    from ..never_worse import Rules


def add_comparison(
    found: dict[str, Any],
    rows: Sequence[dict[str, Any]],
    base: Sequence[dict[str, Any]],
    rules: Rules | None,
    how: tuple[int, Sequence[str], str | None],
) -> int:
    """Add a comparison to a report, with rules also the verdict of the guard, which is said; return its exit code.

    Args:
        found: the report; ``settings`` name the base's file under ``compare``.
        rows, base: result rows.
        rules: of the guard; None: no verdict, and exit code 0.
        how: seed of the bootstrap, fields to slice by, and field of the clusters.
    """
    from ..comparison.systems import compare
    from ..never_worse import CANNOT_TELL, WORSE, never_worse

    if rules is None:
        found["comparison"] = compare(rows, base, *how)
        return 0
    found["comparison"], verdict = never_worse(rows, base, rules, *how)
    found["never_worse"] = {"rules": asdict(rules), **verdict.as_json()}
    for line in verdict.lines(str(found["settings"]["compare"])):
        say(f"megaasr: {line}")
    return {WORSE: EXIT_WORSE, CANNOT_TELL: EXIT_CANNOT_TELL}.get(verdict.outcome, 0)

"""How many samples the mean of a reward term covers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def coverage(summary: Mapping[str, Any]) -> str:
    """How many samples are in a mean.

    >>> coverage({"mean": 0.75, "scored": 2, "abstained": 1, "failed": 1, "of": 4})
    'mean of 2 of 4 (1 abstained, 1 failed)'
    """
    failed = f", {summary['failed']} failed" if summary["failed"] else ""
    return f"mean of {summary['scored']} of {summary['of']} ({summary['abstained']} abstained{failed})"

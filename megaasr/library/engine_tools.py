"""What engines share: the number of usable cores, and how messages show an item."""

from __future__ import annotations

import os

from megaasr_core.base.errors import one_line, shortened


def usable_cores() -> int:
    """Cores that this process may use; at least 1."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def short(item: object) -> str:
    """An item as messages show it."""
    return shortened(one_line(item), 80)

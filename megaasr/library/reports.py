"""Writes and prints the report of a command."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any


def hand_out(
    found: dict[str, Any],
    text: str,
    report: Path | None,
    summary: Path | None,
    as_json: bool,
    rows: Path | None = None,
) -> None:
    """Write a report where it is wanted, as Markdown and as JSON, and print one of the two.

    Nothing is printed where one of the outputs is standard output.

    Args:
        found: the report; `text` is its Markdown.
        rows: another output of the command.
    """
    from .outputs import is_standard_output, write_text

    data = json.dumps(found, ensure_ascii=False, indent=1) + "\n"
    for path, content in ((report, text), (summary, data)):
        if path:
            write_text(path, content)
    if not any(map(is_standard_output, (report, summary, rows))):
        sys.stdout.write(data if as_json else text)

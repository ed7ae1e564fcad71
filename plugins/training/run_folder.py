"""The folder of a run: whose it is, and what has been written there."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from megaasr import OutputError, one_line, read_text, write_text

RUN = "run.json"


def claim(out: Path, mark: str) -> None:
    """Take the folder for the run of this mark, or go on in it.

    Raises:
        OutputError: it holds something else, or cannot be used.
    """
    try:
        if (out / RUN).is_file():
            if read_json(out / RUN).get("run") != mark:
                raise OutputError(f"{out} holds a run of another configuration; choose another folder")
        elif any(out.iterdir()):
            raise OutputError(f"{out} is not empty and holds no run; choose another folder")
        else:
            write_json(out / RUN, {"run": mark})
    except OSError as error:
        raise OutputError(f"cannot use {out}: {one_line(error)}; choose another folder") from error


def read_json(path: Path) -> dict[str, Any]:
    """An object that the run has written; OutputError when it is none."""
    try:
        found = json.loads(read_text(path))
    except ValueError as error:
        raise OutputError(f"{path}: not JSON ({one_line(error)}); remove it") from error
    if not isinstance(found, dict):
        raise OutputError(f"{path}: an object is expected; remove it")
    return found


def write_json(path: Path, found: dict[str, Any]) -> None:
    """Write an object, whole or not at all."""
    write_text(path, json.dumps(found, ensure_ascii=False, indent=1) + "\n")

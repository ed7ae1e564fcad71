"""Checks of the outputs of a command, before long work."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from megaasr_core.base.errors import OutputError
from megaasr_core.base.files import check_writable


def check_not_input(target: Path, *sources: Path) -> None:
    """Refuse to write over what is read; OutputError when `target` is one of the sources."""
    for source in sources:
        if target.exists() and source.exists() and target.samefile(source):
            raise OutputError(f"cannot write {target}: it is the input; name another file")


def check_outputs(targets: Sequence[Path | None], sources: Sequence[Path | None] = ()) -> None:
    """Check before long work that every target can be written, is no other target and no input; None is skipped.

    Raises:
        OutputError: naming the first that cannot be.
    """
    wanted = [target for target in targets if target is not None]
    for target in wanted:
        if sum(target.resolve() == other.resolve() for other in wanted) > 1:
            raise OutputError(f"cannot write {target}: two outputs are one file; name different files")
        check_writable(target)
        check_not_input(target, *(source for source in sources if source is not None))

"""Checks of the outputs of a command, before long work."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from megaasr_core.base.errors import OutputError

from .outputs import check_writable, descriptor_of, is_stream


def check_not_input(target: Path, *sources: Path) -> None:
    """Refuse to write over what is read; OutputError when `target` is one of the sources."""
    for source in sources:
        if not is_stream(target) and target.exists() and source.exists() and target.samefile(source):
            raise OutputError(f"cannot write {target}: it is the input; name another file")


def check_outputs(targets: Sequence[Path | None], sources: Sequence[Path | None] = ()) -> None:
    """Check before long work that every target can be written, is no other target and no input; None is skipped.

    Raises:
        OutputError: naming the first that cannot be.
    """
    wanted = [target for target in targets if target is not None]
    for target in wanted:
        check_writable(target)
        if sum(_place(target) == _place(other) for other in wanted) > 1:
            raise OutputError(f"cannot write {target}: two outputs are one file; name different files")
        check_not_input(target, *(source for source in sources if source is not None))


def _place(target: Path) -> Path | int:
    descriptor = descriptor_of(target)
    return target.resolve() if descriptor is None else descriptor

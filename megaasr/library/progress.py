"""A progress bar on stderr for long work; disabled if stderr is not a terminal."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TypeVar

Item = TypeVar("Item")


def progress(items: Iterable[Item], *, total: int | None, what: str) -> Iterator[Item]:
    """Yield the items and show a progress bar."""
    from rich.console import Console
    from rich.progress import track

    console = Console(stderr=True)
    yield from track(
        items, description=what, total=total, console=console, transient=True, disable=not console.is_terminal
    )

"""A word to the user when the compiler starts: the first use of a kernel after installation takes seconds."""

from __future__ import annotations

from collections.abc import Callable


def on_compiling(tell: Callable[[str], None]) -> None:
    """Call `tell` once, with a line, when a kernel is compiled rather than read from the cache on disk."""
    from numba.core import event

    class Listener(event.Listener):
        def on_start(self, started: event.Event) -> None:
            event.unregister("numba:compile", self)  # type: ignore[no-untyped-call]
            tell("compiling the kernels, once after installation (some seconds; `megaasr doctor` does all of them)")

        def on_end(self, ended: event.Event) -> None: ...

    event.register("numba:compile", Listener())  # type: ignore[no-untyped-call]

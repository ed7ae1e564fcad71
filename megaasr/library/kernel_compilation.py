"""Notification when numba compiles a kernel, which takes seconds at the first use after installation."""

from __future__ import annotations

from collections.abc import Callable


def on_compiling(tell: Callable[[str], None]) -> None:
    """Call `tell` once with a message when a kernel is compiled instead of loaded from the cache on disk."""
    from numba.core import event

    class Listener(event.Listener):
        def on_start(self, started: event.Event) -> None:
            event.unregister("numba:compile", self)  # type: ignore[no-untyped-call]
            tell("compiling the kernels, once after installation (some seconds; `megaasr doctor` does all of them)")

        def on_end(self, ended: event.Event) -> None: ...

    event.register("numba:compile", Listener())  # type: ignore[no-untyped-call]

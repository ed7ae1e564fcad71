"""How a command ends: the signals that stop it, and the one line of an exception that nobody expected."""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

from megaasr_core.base.errors import one_line, shortened
from megaasr_core.base.files import ESCAPED

STOPPING = ("SIGINT", "SIGTERM", "SIGHUP")
MOST_SAID = 300
"""Characters of an unexpected exception's message; a compiler's may be a page."""
_SEE = "pass --traceback to see where"


@contextmanager
def stopped_by_signals() -> Iterator[list[int]]:
    """Let SIGTERM and SIGHUP end the block as Ctrl-C does; gives the list that the numbers of the signals get into.

    The second signal is ignored, so that cleaning up ends; the third ends the process at once. A signal that the caller
    ignores (nohup) stays ignored.
    """
    received: list[int] = []

    def stop(number: int, _frame: Any) -> None:
        received.append(number)
        if len(received) == 1:
            raise KeyboardInterrupt
        if len(received) > 2:
            os._exit(128 + received[0])

    before = {}
    if threading.current_thread() is threading.main_thread():
        numbers = [number for name in STOPPING if (number := getattr(signal, name, None)) is not None]
        taken = [number for number in numbers if signal.getsignal(number) not in (signal.SIG_IGN, None)]
        before = {number: signal.signal(number, stop) for number in taken}
    try:
        yield received
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def prepare_streams() -> None:
    """Print what the terminal's encoding lacks as ``\\uXXXX``, and nowhere where there is no such stream."""
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name)
        if stream is None:  # the caller has closed it
            setattr(sys, name, os.fdopen(os.open(os.devnull, os.O_WRONLY), "w", encoding="utf-8"))
        elif hasattr(stream, "reconfigure"):
            stream.reconfigure(errors=ESCAPED)


def flush_stdout() -> None:
    """Print what is buffered; where that fails let it go nowhere, so that Python does not fail again when it ends."""
    try:
        sys.stdout.flush()
    except OSError as error:
        error.filename = "standard output"
        with suppress(OSError):
            descriptor, nowhere = sys.stdout.fileno(), os.open(os.devnull, os.O_WRONLY)
            os.dup2(nowhere, descriptor)
            os.close(nowhere)
        raise


def unexpected(error: BaseException) -> str:
    """One line for an exception that is no `MegaasrError`: what the system lacks, or a fault of megaasr or a plugin."""
    said = shortened(one_line(error), MOST_SAID)
    if isinstance(error, MemoryError):
        return f"out of memory; give smaller batches, shorter recordings or fewer workers ({_SEE})"
    if isinstance(error, OSError) and error.strerror:
        return f"{f'{error.filename}: ' if error.filename else ''}{error.strerror} ({_SEE})"
    return f"internal error: {type(error).__name__}: {said} ({_SEE}; please report it)"

"""Tasks for the engine tests, defined at module level so that they can be pickled."""

import os
import signal
import threading
from dataclasses import dataclass
from pathlib import Path

THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS")


def surroundings(item):
    """The thread settings of the worker's environment, and its process id."""
    return tuple(os.environ.get(name) for name in THREADS), os.getpid()


@dataclass(frozen=True)
class WriteAndHang:
    """Write a file named after the process id, then block for ever."""

    folder: Path

    def __call__(self, item):
        (self.folder / str(os.getpid())).touch()
        threading.Event().wait()


class NotUnpickled:
    """A callable that cannot be unpickled."""

    def __reduce__(self):
        return eval, ("1 / 0",)

    def __call__(self, item):
        return item


def give_what_cannot_be_read(item):
    return NotUnpickled()


def leave(item):
    """End the worker: with an exit code (item 1), by SIGTERM (item 2) or by SystemExit (item 3)."""
    if item == 1:
        os._exit(7)
    if item == 2:
        os.kill(os.getpid(), signal.SIGTERM)
    if item == 3:
        raise SystemExit(3)
    return item

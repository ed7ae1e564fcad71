"""Tasks for tests: at the top of a module, so that they travel."""

import os
import signal
import threading
from dataclasses import dataclass
from pathlib import Path

THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS")


def surroundings(item):
    """Threads that libraries may start, and the process that works."""
    return tuple(os.environ.get(name) for name in THREADS), os.getpid()


@dataclass(frozen=True)
class WriteAndHang:
    """Say who is at work, and never end."""

    folder: Path

    def __call__(self, item):
        (self.folder / str(os.getpid())).touch()
        threading.Event().wait()


class NotUnpickled:
    """What only its maker can have."""

    def __reduce__(self):
        return eval, ("1 / 0",)

    def __call__(self, item):
        return item


def give_what_cannot_be_read(item):
    return NotUnpickled()


def leave(item):
    """End the worker in another way than by being killed."""
    if item == 1:
        os._exit(7)
    if item == 2:
        os.kill(os.getpid(), signal.SIGTERM)
    if item == 3:
        raise SystemExit(3)
    return item

"""Main loop of a worker process. Imports nothing heavy, so that thread limits are set before numpy is loaded."""

from __future__ import annotations

import os
import pickle
import signal
import threading
from collections.abc import Callable
from multiprocessing import connection, parent_process
from multiprocessing.connection import Connection
from typing import Any

from megaasr import MegaasrError, one_line

READY = "ready"
THREAD_SETTINGS = (
    "OMP_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "MKL_NUM_THREADS",
    "VECLIB_MAXIMUM_THREADS",
    "NUMBA_NUM_THREADS",
)


def serve(pipe: Connection, pickled_task: bytes) -> None:
    """Process each item that arrives through the pipe, until the pipe is closed.

    The first message says that the worker is ready. Items are pickled; answers are pickled pairs (value, error).
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # if it is not blocked: the parent handles it and ends the workers
    for name in ("SIGTERM", "SIGHUP"):  # a forked worker has the parent's handlers
        number = getattr(signal, name, None)
        if number is not None and signal.getsignal(number) != signal.SIG_IGN:
            signal.signal(number, signal.SIG_DFL)
    threading.Thread(target=_end_with_parent, daemon=True).start()
    for name in THREAD_SETTINGS:  # there is one process per core, so additional threads would only compete
        os.environ[name] = "1"
    task, broken = _unpickled(pickled_task)
    pipe.send(READY)
    while True:
        try:
            item = pipe.recv_bytes()
        except EOFError:
            return
        pipe.send_bytes(answer(task, item) if task is not None else pickle.dumps((None, broken)))


def _end_with_parent() -> None:
    """Exit when the parent dies; otherwise the worker would keep writing while the next run is active."""
    parent = parent_process()
    if parent is not None:
        connection.wait([parent.sentinel])
        os._exit(1)


def _unpickled(pickled_task: bytes) -> tuple[Callable[[Any], Any] | None, str]:
    try:
        return pickle.loads(pickled_task), ""
    except Exception as error:
        return None, f"the task cannot be unpickled in a worker: {error_message(error)}"


def answer(task: Callable[[Any], Any], pickled_item: bytes) -> bytes:
    """Run the task for one item; pickled (value, None), or (None, error message) if it raises."""
    try:
        return pickle.dumps((task(pickle.loads(pickled_item)), None))
    except (Exception, SystemExit) as error:
        return pickle.dumps((None, error_message(error)))


def error_message(error: BaseException) -> str:
    """An error as one line; with the name of its class unless it is a MegaasrError."""
    return one_line(error) if isinstance(error, MegaasrError) else f"{type(error).__name__}: {one_line(error)}"

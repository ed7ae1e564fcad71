"""The inside of a worker process. It imports nothing heavy, so that it can set the threads before numpy is loaded."""

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
    """Answer each item that comes through the pipe, until it is closed.

    The first message says that the worker is up. Items come pickled; answers are pairs (value, error).
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # where it is not blocked: the parent hears it, and ends the workers
    threading.Thread(target=_end_with_parent, daemon=True).start()
    for name in THREAD_SETTINGS:  # as many processes as cores: threads of their own would only be in the way
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
    """A worker whose parent was killed would go on writing beside the run that is started next."""
    parent = parent_process()
    if parent is not None:
        connection.wait([parent.sentinel])
        os._exit(1)


def _unpickled(pickled_task: bytes) -> tuple[Callable[[Any], Any] | None, str]:
    try:
        return pickle.loads(pickled_task), ""
    except Exception as error:
        return None, f"the task cannot be unpickled in a worker: {said(error)}"


def answer(task: Callable[[Any], Any], pickled_item: bytes) -> bytes:
    """Do the task for one item: pickled (value, None), or (None, error) when it raises."""
    try:
        return pickle.dumps((task(pickle.loads(pickled_item)), None))
    except (Exception, SystemExit) as error:
        return pickle.dumps((None, said(error)))


def said(error: BaseException) -> str:
    """An error as one line; the users' own mistakes speak for themselves."""
    return one_line(error) if isinstance(error, MegaasrError) else f"{type(error).__name__}: {one_line(error)}"

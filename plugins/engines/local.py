"""local: an engine that uses processes on this machine."""

from __future__ import annotations

import multiprocessing
import pickle
import signal
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from multiprocessing import connection, resource_tracker
from multiprocessing.connection import Connection
from typing import Any, ClassVar, Literal, TypeVar

from pydantic import Field

from megaasr import ATTEMPTS, Engine, Outcome, PluginError, hookimpl, short, usable_cores

from .worker import error_message, serve

Item = TypeVar("Item")
Value = TypeVar("Value")


class Local(Engine):
    """Processes on this machine, each with a separate pipe, so that a crash can be attributed to one item.

    By default they are spawned: a fork copies locks that another thread (of torch, numba or a progress bar) may hold at
    that moment, and can deadlock. Forking is faster and is safe in a program without threads. A single worker is a
    process too, so that crashes are handled in the same way and memory is released at the end.
    """

    name: ClassVar[str] = "local"

    start_method: Literal["spawn", "fork", "forkserver"] = Field("spawn", description="how processes are started")

    def run(self, task: Callable[[Item], Value], items: Iterable[Item]) -> Iterator[Outcome[Item, Value]]:
        """Run the task for every item, one item at a time in each worker; yields outcomes as they end."""
        pool = _WorkerPool(self.start_method, pickle.dumps(task))
        waiting = iter(items)
        ended: list[Outcome[Any, Any]] = []
        try:
            while True:
                while len(pool.busy) < (self.workers or usable_cores()) and (job := _next_job(waiting)) is not None:
                    if isinstance(job, Outcome):
                        yield job
                    else:
                        pool.give(job)
                yield from ended  # after new jobs are given, so that workers do not wait for the caller
                if not pool.busy:
                    return
                ended = pool.wait()
        finally:
            pool.end()


@dataclass
class _Job:
    item: Any
    pickled: bytes
    attempts: int = 0


def _next_job(waiting: Iterator[Any]) -> _Job | Outcome[Any, Any] | None:
    for item in waiting:
        try:
            return _Job(item, pickle.dumps(item))
        except Exception as error:
            return Outcome(item, error=f"{short(item)} cannot be pickled: {error_message(error)}")
    return None


@dataclass
class _Worker:
    process: Any
    pipe: Connection
    job: _Job | None = None
    is_up: bool = False


class _WorkerPool:
    """The worker processes of one run."""

    def __init__(self, start_method: str, pickled_task: bytes) -> None:
        self._context: Any = multiprocessing.get_context(start_method)
        self._pickled_task = pickled_task
        self._workers: list[_Worker] = []
        self._false_starts = 0

    @property
    def busy(self) -> list[_Worker]:
        return [worker for worker in self._workers if worker.job is not None]

    def give(self, job: _Job) -> None:
        """Give a job to an idle worker, or to a new one."""
        worker = next((idle for idle in self._workers if idle.job is None), None) or self._start()
        worker.job = job
        if worker.is_up:
            self._send(worker)

    def wait(self) -> list[Outcome[Any, Any]]:
        """Wait until a worker sends a message or dies; return the outcomes of the jobs that ended."""
        ready = connection.wait([worker.pipe for worker in self.busy])
        outcomes = [self._receive(worker) for worker in self.busy if worker.pipe in ready]
        return [outcome for outcome in outcomes if outcome is not None]

    def _receive(self, worker: _Worker) -> Outcome[Any, Any] | None:
        job = worker.job
        assert job is not None
        try:
            message = worker.pipe.recv_bytes()
        except (EOFError, OSError):
            return self._died(worker, job)
        if not worker.is_up:  # the first message only says that the worker is ready
            worker.is_up, self._false_starts = True, 0
            self._send(worker)
            return None
        worker.job = None
        try:
            value, error = pickle.loads(message)
        except Exception as fault:
            value, error = (
                None,
                f"{short(job.item)}: what the task returned cannot be unpickled: {error_message(fault)}",
            )
        return Outcome(job.item, value, error)

    def _start(self) -> _Worker:
        parent_end, worker_end = self._context.Pipe()
        process = self._context.Process(target=serve, args=(worker_end, self._pickled_task), daemon=True)
        with _sigint_blocked():
            process.start()
        worker_end.close()  # so that the worker's death closes the pipe
        worker = _Worker(process, parent_end)
        self._workers.append(worker)
        return worker

    def _send(self, worker: _Worker) -> None:
        assert worker.job is not None
        worker.job.attempts += 1
        with suppress(OSError):  # the worker is dead; reading from the pipe detects it
            worker.pipe.send_bytes(worker.job.pickled)

    def _died(self, worker: _Worker, job: _Job) -> Outcome[Any, Any] | None:
        """Remove a dead worker and give its job to a new one, unless the job has reached `ATTEMPTS`."""
        cause = self._remove(worker)
        if not worker.is_up:
            self._false_starts += 1
            if self._false_starts >= ATTEMPTS:
                raise PluginError(
                    f"engine local: workers cannot be started ({cause}); in a script, call it under "
                    "`if __name__ == '__main__':`"
                )
        if job.attempts >= ATTEMPTS:
            return Outcome(job.item, error=f"{short(job.item)}: the worker died {job.attempts} times ({cause})")
        self.give(job)
        return None

    def _remove(self, worker: _Worker) -> str:
        self._workers.remove(worker)
        worker.pipe.close()
        worker.process.join()
        code = worker.process.exitcode
        if code is None or code >= 0:
            return f"exit code {code}"
        name = next((known.name for known in signal.Signals if known == -code), f"signal {-code}")
        return f"killed by {name}" + ("; out of memory?" if -code == signal.SIGKILL else "")

    def end(self) -> None:
        """Kill every worker process, also while it runs a job."""
        for worker in self._workers:
            worker.process.kill()
        for worker in self._workers:
            worker.pipe.close()
            worker.process.join()
            worker.process.close()


@contextmanager
def _sigint_blocked() -> Iterator[None]:
    """Block SIGINT (Ctrl-C) for processes that are started in the block; this process receives it afterwards."""
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    resource_tracker.ensure_running()  # otherwise the first process start does it and unblocks the signal
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


@hookimpl
def register_engines(register):
    register(Local)

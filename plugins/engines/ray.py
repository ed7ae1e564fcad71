"""ray: a Ray cluster that is there, or one that is started on this machine (extra ``[ray]``)."""

from __future__ import annotations

import logging
import os
import pickle
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from typing import Any, ClassVar, TypeVar

from pydantic import Field

from megaasr import ATTEMPTS, Engine, Outcome, PluginError, hookimpl, one_line, short, usable_cores

from .worker import answer, said

Item = TypeVar("Item")
Value = TypeVar("Value")

IN_FLIGHT = 2
"""Items that Ray is given at once for each worker: one is done while the next is on its way."""
QUIET = {"RAY_USAGE_STATS_ENABLED": "0", "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0", "RAY_DEDUP_LOGS": "0"}
"""Nothing is reported to anyone, nor said about what does not matter here; what is set already stays."""


class Ray(Engine):
    """Ray tasks of one core each. Every node needs megaasr, and the folders in use under the same paths.

    Without an address it joins the cluster that RAY_ADDRESS names, or starts one on this machine for the run.
    """

    name: ClassVar[str] = "ray"

    address: str | None = Field(None, description="of the cluster's head, or auto")

    def run(self, task: Callable[[Item], Value], items: Iterable[Item]) -> Iterator[Outcome[Item, Value]]:
        """Do the task for every item; Ray itself begins an item again whose worker has died."""
        with _cluster(self.address, self.workers) as (ray, workers):
            remote = ray.remote(num_cpus=1, max_retries=ATTEMPTS - 1, retry_exceptions=False)(answer)
            shared = ray.put(task)
            running: dict[Any, Item] = {}
            waiting = iter(items)
            try:
                while True:
                    for item in waiting:
                        try:
                            running[remote.remote(shared, pickle.dumps(item))] = item
                        except Exception as error:
                            yield Outcome(item, error=f"{short(item)} cannot be pickled: {said(error)}")
                        if len(running) >= IN_FLIGHT * workers:
                            break
                    if not running:
                        return
                    ready, _ = ray.wait(list(running), num_returns=1)
                    for reference in ready:
                        yield _outcome(ray, reference, running.pop(reference))
            finally:
                for reference in running:
                    with suppress(Exception):  # what has ended meanwhile needs no ending
                        ray.cancel(reference, force=True)


def _outcome(ray: Any, reference: Any, item: Item) -> Outcome[Item, Any]:
    try:
        value, error = pickle.loads(ray.get(reference))
    except ray.exceptions.WorkerCrashedError:
        return Outcome(item, error=f"{short(item)}: the worker died {ATTEMPTS} times (out of memory?)")
    except Exception as fault:
        return Outcome(item, error=f"{short(item)}: {one_line(said(fault))[:300]}")
    return Outcome(item, value, error)


@contextmanager
def _cluster(address: str | None, workers: int | None) -> Iterator[tuple[Any, int]]:
    """Ray, and how many workers to keep busy; what was started here is shut down at the end."""
    for name, value in QUIET.items():
        os.environ.setdefault(name, value)
    try:
        import ray
    except ImportError as error:
        raise PluginError("engine ray: Ray is not installed; run: pip install 'megaasr[ray]'") from error
    ours = not ray.is_initialized()
    if ours:
        options: dict[str, Any] = {"logging_level": logging.ERROR, "log_to_driver": False}
        if address is None and not os.environ.get("RAY_ADDRESS"):
            options |= {"num_cpus": workers or usable_cores(), "include_dashboard": False}
        try:
            ray.init(address=address, **options)
        except Exception as error:
            where = f"address {address!r}" if address else "a cluster"
            raise PluginError(f"engine ray: cannot reach {where}: {one_line(said(error))[:300]}") from error
    try:
        yield ray, workers or max(1, int(ray.cluster_resources().get("CPU", 1)))
    finally:
        if ours:
            ray.shutdown()


@hookimpl
def register_engines(register):
    register(Ray)

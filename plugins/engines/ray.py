"""ray: an engine that uses a running Ray cluster, or starts one on this machine (extra ``[ray]``)."""

from __future__ import annotations

import logging
import os
import pickle
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from typing import Any, ClassVar, TypeVar

from pydantic import Field

from megaasr import ATTEMPTS, Engine, Outcome, PluginError, hookimpl, one_line, short, usable_cores

from .worker import answer, error_message

Item = TypeVar("Item")
Value = TypeVar("Value")

IN_FLIGHT = 2
"""Number of submitted items per worker: one is processed while the next is transferred."""
QUIET = {"RAY_USAGE_STATS_ENABLED": "0", "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0", "RAY_DEDUP_LOGS": "0"}
"""Environment variables that switch off usage statistics and irrelevant warnings; variables already set are kept."""


class Ray(Engine):
    """Ray tasks with one core each. Every node needs megaasr, and the used folders under the same paths.

    Without an address it joins the cluster named by RAY_ADDRESS, or starts one on this machine for the run.
    """

    name: ClassVar[str] = "ray"

    address: str | None = Field(None, description="address of the cluster's head node, or auto")

    def run(self, task: Callable[[Item], Value], items: Iterable[Item]) -> Iterator[Outcome[Item, Value]]:
        """Run the task for every item; Ray retries an item whose worker has died. Yields outcomes as they end."""
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
                            yield Outcome(item, error=f"{short(item)} cannot be pickled: {error_message(error)}")
                        if len(running) >= IN_FLIGHT * workers:
                            break
                    if not running:
                        return
                    ready, _ = ray.wait(list(running), num_returns=1)
                    for reference in ready:
                        yield _outcome(ray, reference, running.pop(reference))
            finally:
                for reference in running:
                    with suppress(Exception):  # the task may have ended meanwhile
                        ray.cancel(reference, force=True)


def _outcome(ray: Any, reference: Any, item: Item) -> Outcome[Item, Any]:
    try:
        value, error = pickle.loads(ray.get(reference))
    except ray.exceptions.WorkerCrashedError:
        return Outcome(item, error=f"{short(item)}: the worker died {ATTEMPTS} times (out of memory?)")
    except Exception as fault:
        return Outcome(item, error=f"{short(item)}: {one_line(error_message(fault))[:300]}")
    return Outcome(item, value, error)


@contextmanager
def _cluster(address: str | None, workers: int | None) -> Iterator[tuple[Any, int]]:
    """The module `ray` and the number of workers; a cluster that was started here is shut down at the end."""
    for name, value in QUIET.items():
        os.environ.setdefault(name, value)
    try:
        import ray
    except ImportError as error:
        raise PluginError("engine ray: Ray is not installed; run: pip install 'megaasr[ray]'") from error
    starts_here = not ray.is_initialized()
    if starts_here:
        options: dict[str, Any] = {"logging_level": logging.ERROR, "log_to_driver": False}
        if address is None and not os.environ.get("RAY_ADDRESS"):
            options |= {"num_cpus": workers or usable_cores(), "include_dashboard": False}
        try:
            ray.init(address=address, **options)
        except Exception as error:
            where = f"address {address!r}" if address else "a cluster"
            raise PluginError(f"engine ray: cannot reach {where}: {one_line(error_message(error))[:300]}") from error
    try:
        yield ray, workers or max(1, int(ray.cluster_resources().get("CPU", 1)))
    finally:
        if starts_here:
            ray.shutdown()


@hookimpl
def register_engines(register):
    register(Ray)

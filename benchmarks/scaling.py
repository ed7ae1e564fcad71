"""Clips a second of the mix of all scenarios on one core and on two, with processes and with threads."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from concurrent.futures import Executor, ProcessPoolExecutor, ThreadPoolExecutor
from functools import cache, partial

import numpy as np

from megaasr import Audio, Planner, Recipe, SampleKey, installed_plugins, render

from .peer_hook import banks

RATE, SECONDS, ROUNDS = 16_000, 10, 7


def scaling_rows() -> list[dict[str, object]]:
    """The throughput of two workers that each render the mix, compared with one worker."""
    rows: list[dict[str, object]] = []
    for kind, make in (("processes", partial(ProcessPoolExecutor, 2)), ("threads", partial(ThreadPoolExecutor, 2))):
        with make() as pool:
            _both(pool)  # compile and warm up
            rounds = [(_timed(_mix), _timed(partial(_both, pool))) for _ in range(ROUNDS)]
        ratios = sorted(2.0 * single_s / pair_s for single_s, pair_s in rounds)
        clips = len(_recipes())
        rows.append(
            {
                "two": kind,
                "one core, clips/s": round(clips / statistics.median(single_s for single_s, _ in rounds)),
                "two cores, clips/s": round(2 * clips / statistics.median(pair_s for _, pair_s in rounds)),
                "ratio, median [min, max]": f"{statistics.median(ratios):.2f} [{ratios[0]:.2f}, {ratios[-1]:.2f}]",
            }
        )
    return rows


@cache
def _recipes() -> list[Recipe]:
    plugins = installed_plugins()
    return [
        Planner(scenario, plugins, banks(RATE)).plan(
            SampleKey(0, scenario.name), num_samples=SECONDS * RATE, sample_rate=RATE
        )
        for scenario in plugins.scenarios.values()
    ]


@cache
def _speech() -> Audio:
    samples = 0.1 * SampleKey(0, "scaling").rng().standard_normal(SECONDS * RATE, dtype=np.float32)
    return Audio(samples, RATE)


def _mix(_: int = 0) -> None:
    for recipe in _recipes():
        render(_speech(), recipe, installed_plugins(), banks(RATE))


def _both(pool: Executor) -> None:
    list(pool.map(_mix, range(2)))


def _timed(work: Callable[[], None]) -> float:
    started = time.perf_counter()
    work()
    return time.perf_counter() - started

"""Checks of an engine: it gives what a plain loop gives, and survives what its tasks and workers do."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

from ..contracts.engine import ATTEMPTS, Outcome
from . import checks_unit
from .case import essential
from .engine_tasks import (
    IN_CALLER,
    DieOnce,
    DieOnFive,
    Multiply,
    process_id,
    raise_on_odd,
    return_a_function,
    unpicklable,
)
from .guards import attempt, expect
from .plugin_under_test import Subject, build, with_examples

NUM_ITEMS = 23
MOST_AHEAD = 16
"""Items that may be taken for each worker before one of them is done."""
TEXTS = ["a text", "", "日本語", "two\nlines"]


def checks(subject: Subject) -> list[Callable[[Subject], None]]:
    """The checks of an engine."""
    return [
        *checks_unit.checks(subject),
        results_equal_a_loop,
        tasks_run_in_other_processes,
        number_of_workers_is_irrelevant,
        no_items_give_no_outcomes,
        items_are_taken_as_needed,
        raising_task_is_an_outcome,
        unpicklable_item_or_result_is_an_outcome,
        dying_worker_is_an_outcome,
        item_of_a_dead_worker_is_begun_again,
        can_be_stopped_early,
        failing_source_is_reported,
    ]


def _engine(subject: Subject, workers: int = 2) -> Any:
    return build(subject.thing, {**with_examples(subject.thing, subject.parameters), "workers": workers})


def _run(
    subject: Subject, task: Callable[[Any], Any], items: Iterable[Any], workers: int = 2
) -> list[Outcome[Any, Any]]:
    engine = _engine(subject, workers)
    outcomes = attempt(f"a run with {workers} workers", lambda: list(engine.run(task, items)))
    wrong = [one for one in outcomes if not isinstance(one, Outcome)]
    expect(not wrong, f"yields {wrong[:1]!r}; an Outcome is expected")
    return outcomes


def _values(outcomes: Iterable[Outcome[Any, Any]]) -> dict[Any, Any]:
    """Item -> value of outcomes that all went well."""
    found: dict[Any, Any] = {}
    for outcome in outcomes:
        expect(outcome.error is None, f"fails on {outcome.item!r}, which is sound: {outcome.error}")
        expect(outcome.item not in found, f"yields two outcomes for {outcome.item!r}")
        found[outcome.item] = outcome.value
    return found


def _failures(outcomes: Iterable[Outcome[Any, Any]]) -> dict[Any, str]:
    failed = {one.item: one.error for one in outcomes if one.error is not None}
    for item, error in failed.items():
        expect("\n" not in error and error, f"says {error!r} of {item!r}; one line is expected")
    return failed


@essential
def results_equal_a_loop(subject: Subject) -> None:
    """One outcome an item, with the value that calling the task gives."""
    for task, items in ((Multiply(3), list(range(NUM_ITEMS))), (Multiply(2), TEXTS)):
        found = _values(_run(subject, task, items))
        expect(found == {item: task(item) for item in items}, f"gives {found!r}, which a loop does not")


@essential
def tasks_run_in_other_processes(subject: Subject) -> None:
    """No task runs in the calling process, which a task that dies would take along. The task here is harmless."""
    for workers in (2, 1):
        outcomes = _run(subject, process_id, range(4), workers)
        processes = {process for _, process in _values(outcomes).values()}
        expect(
            os.getpid() not in processes,
            f"runs tasks in the calling process with workers = {workers}; start a process even for one worker",
        )


def number_of_workers_is_irrelevant(subject: Subject) -> None:
    """One worker gives what four give."""
    one, four = (_values(_run(subject, Multiply(1.5), range(NUM_ITEMS), workers)) for workers in (1, 4))
    expect(one == four, "gives other values with four workers than with one")


def no_items_give_no_outcomes(subject: Subject) -> None:
    """Without items there are no outcomes."""
    expect(_run(subject, Multiply(1), []) == [], "yields outcomes where there are no items")


def items_are_taken_as_needed(subject: Subject) -> None:
    """A few items are taken ahead, whatever their number: a corpus has millions."""
    taken = 0

    def source() -> Iterator[int]:
        nonlocal taken
        for item in range(400):
            taken += 1
            yield item

    engine = _engine(subject)
    most = 0
    for done, _ in enumerate(engine.run(Multiply(1), source()), start=1):
        most = max(most, taken - done)
    expect(taken == 400, f"takes {taken} of 400 items")
    expect(most <= 2 * MOST_AHEAD, f"takes {most} items ahead with 2 workers; take them as workers become free")


def raising_task_is_an_outcome(subject: Subject) -> None:
    """A task that raises is an outcome with one line; the other items are done."""
    outcomes = _run(subject, raise_on_odd, range(10))
    failed = _failures(outcomes)
    expect(set(failed) == {1, 3, 5, 7, 9}, f"says that {sorted(failed)} failed; the task raises on odd numbers")
    expect("7 is odd" in failed[7], f"says {failed[7]!r} where the task raises ValueError: 7 is odd")
    expect(
        _values(one for one in outcomes if one.error is None) == {n: n for n in range(0, 10, 2)}, "loses other items"
    )


def unpicklable_item_or_result_is_an_outcome(subject: Subject) -> None:
    """An item or a result that cannot be pickled fails alone."""
    failed = _failures(_run(subject, return_a_function, range(6)))
    expect(set(failed) == {3}, f"says that {sorted(failed)} failed; only the result for 3 cannot be pickled")
    outcomes = _run(subject, Multiply(1), [1, unpicklable, 2])
    expect(len(outcomes) == 3, f"yields {len(outcomes)} outcomes for 3 items of which one cannot be pickled")
    expect(len(_failures(outcomes)) == 1, "does not say which item cannot be pickled")


@essential
def dying_worker_is_an_outcome(subject: Subject) -> None:
    """An item that kills every worker is an outcome that names it; no other item is lost or blamed."""
    outcomes = _run(subject, DieOnFive(os.getpid()), range(12))
    failed = _failures(outcomes)
    expect(
        IN_CALLER not in failed.get(5, ""),
        "runs a task that ends its process in the calling process, once workers have died of it; give it up instead",
    )
    expect(set(failed) == {5}, f"says that {sorted(failed)} failed; item 5 alone kills its workers")
    expect("5" in failed[5], f"says {failed[5]!r}, which does not name the item")
    others = _values(one for one in outcomes if one.error is None)
    expect(others == {n: n for n in range(12) if n != 5}, f"loses {sorted(set(range(12)) - {5} - set(others))}")


def item_of_a_dead_worker_is_begun_again(subject: Subject) -> None:
    """An item whose worker died by accident is begun again."""
    with tempfile.TemporaryDirectory() as folder:
        found = _values(_run(subject, DieOnce(Path(folder), os.getpid()), range(8)))
    expect(found == {n: n for n in range(8)}, f"loses items whose worker died once; begin them {ATTEMPTS} times")


def can_be_stopped_early(subject: Subject) -> None:
    """A caller that stops after the first outcome, and then begins another run."""
    engine = _engine(subject)
    running = engine.run(Multiply(1), range(NUM_ITEMS))
    next(running)
    attempt("a caller that stops early", running.close)
    expect(_values(_run(subject, Multiply(2), range(3))) == {0: 0, 1: 2, 2: 4}, "cannot run again after an early end")


def failing_source_is_reported(subject: Subject) -> None:
    """When taking the items fails, the caller gets the exception."""

    def source() -> Iterator[int]:
        yield 1
        raise OSError("the list of items ends here")

    engine = _engine(subject)
    try:
        outcomes = list(engine.run(Multiply(1), source()))
    except OSError:
        return
    raise AssertionError(f"hides that the items could not be taken, and yields {outcomes!r}")

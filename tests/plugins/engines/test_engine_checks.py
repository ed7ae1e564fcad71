"""The kit's checks of an engine: a good one passes, and each broken one trips the check that is meant for it."""

from __future__ import annotations

import pickle
from collections.abc import Iterator
from dataclasses import replace
from typing import ClassVar

import pytest

from megaasr_core.contracts.engine import Outcome
from megaasr_core.testing import cases, failures, plugins_of
from megaasr_plugins.engines.local import Local


class Good(Local):
    """Forks, which is fast."""

    name: ClassVar[str] = "good"

    def run(self, task, items):
        engine = Local.create({"workers": self.workers, "start_method": "fork"})
        return self.changed(engine.run(task, self.taken(items)))

    def taken(self, items):
        return items

    def changed(self, outcomes) -> Iterator[Outcome]:
        yield from outcomes


def test_a_good_engine_passes():
    assert failures(cases("engine:good", plugins=plugins_of(Good))) == {}


class Broken(Good):
    """Broken."""

    name: ClassVar[str] = "broken"


class Eager(Broken):
    """Broken."""

    def taken(self, items):
        return list(items)


class LosesOne(Broken):
    """Broken."""

    def changed(self, outcomes):
        next(outcomes, None)
        yield from outcomes


class Twice(Broken):
    """Broken."""

    def changed(self, outcomes):
        for outcome in outcomes:
            yield outcome
            yield outcome


class Tuples(Broken):
    """Broken."""

    def changed(self, outcomes):
        return ((one.item, one.value, one.error) for one in outcomes)


class HidesErrors(Broken):
    """Broken."""

    def changed(self, outcomes):
        return (replace(one, error=None) for one in outcomes)


class Talkative(Broken):
    """Broken."""

    def changed(self, outcomes):
        return (replace(one, error=one.error and f"{one.error}\nTraceback") for one in outcomes)


class RaisesErrors(Broken):
    """Broken."""

    def changed(self, outcomes):
        for outcome in outcomes:
            if outcome.error:
                raise RuntimeError(outcome.error)
            yield outcome


class BlamesAll(Broken):
    """Broken."""

    def changed(self, outcomes):
        found = list(outcomes)
        broken = any("died" in (one.error or "") for one in found)
        return (replace(one, error="the pool is broken") if broken else one for one in found)


class Nameless(Broken):
    """Broken."""

    def changed(self, outcomes):
        return (replace(one, error=one.error and "something failed") for one in outcomes)


class HidesTheSource(Broken):
    """Broken."""

    def taken(self, items):
        try:
            yield from items
        except OSError:
            return


class OwnNumbers(Broken):
    """Broken."""

    def changed(self, outcomes):
        return (replace(one, value=one.value and one.value * (self.workers // 4 + 1)) for one in outcomes)


@pytest.mark.parametrize(
    ("engine", "check", "says"),
    [
        (Eager, "items_are_taken_as_needed", "items ahead with 2 workers"),
        (LosesOne, "results_equal_a_loop", "which a loop does not"),
        (Twice, "results_equal_a_loop", "yields two outcomes for 0"),
        (Tuples, "results_equal_a_loop", "an Outcome is expected"),
        (HidesErrors, "raising_task_is_an_outcome", r"says that \[\] failed"),
        (Talkative, "raising_task_is_an_outcome", "one line is expected"),
        (RaisesErrors, "dying_worker_is_an_outcome", "RuntimeError on a run with 2 workers"),
        (BlamesAll, "dying_worker_is_an_outcome", "item 5 alone kills its workers"),
        (Nameless, "dying_worker_is_an_outcome", "does not name the item"),
        (HidesTheSource, "failing_source_is_reported", "hides that the items could not be taken"),
        (OwnNumbers, "number_of_workers_is_irrelevant", "other values with four workers"),
    ],
)
def test_a_broken_engine_is_told_what_is_wrong(engine, check, says):
    (case,) = (case for case in cases("engine:broken", plugins=plugins_of(engine)) if case.name == check)
    with pytest.raises(AssertionError, match=says) as caught:
        case()
    assert "\n" not in str(caught.value)


class InTheCallingProcess(Broken):
    """Broken: a plain loop, in which a task that ends its process ends everything."""

    def run(self, task, items):
        for item in items:
            try:
                value = task(item)
                pickle.dumps(value)
            except Exception as error:
                yield Outcome(item, error=f"{item} {type(error).__name__}: {' '.join(str(error).split())}")
            else:
                yield Outcome(item, value)


class AloneInTheCallingProcess(InTheCallingProcess):
    """Broken: one worker is no process."""

    def run(self, task, items):
        return super().run(task, items) if self.workers == 1 else Good.run(self, task, items)


class TriesAgainInTheCallingProcess(Broken):
    """Broken: what killed a worker is tried again where it kills the caller."""

    def changed(self, outcomes):
        for outcome in outcomes:
            if "died" in (outcome.error or ""):
                yield from InTheCallingProcess.run(self, self.task[0], [outcome.item])
            else:
                yield outcome

    task: ClassVar[list] = []

    def run(self, task, items):
        self.task[:] = [task]
        return super().run(task, items)


@pytest.mark.parametrize(
    ("engine", "check", "says"),
    [
        (InTheCallingProcess, "tasks_run_in_other_processes", "in the calling process with workers = 2"),
        (AloneInTheCallingProcess, "tasks_run_in_other_processes", "in the calling process with workers = 1"),
        (
            TriesAgainInTheCallingProcess,
            "dying_worker_is_an_outcome",
            "runs a task that ends its process in the calling",
        ),
    ],
)
def test_an_engine_that_would_kill_pytest_is_refused_and_pytest_lives(engine, check, says):
    failed = failures(cases("engine:broken", plugins=plugins_of(engine)))
    assert list(failed) == [check], "the checks behind it are not run"
    assert says in failed[check]

"""2,000 damaged rows and documents: each is read as it says, or refused in one line; `make fuzz` is the long form."""

from __future__ import annotations

import pytest

from tests.fuzz.campaign import Job, run_jobs
from tests.fuzz.report import table

SEED = 15
FEWEST = 5
"""Calls that must be accepted, and refused, of each kind."""
COUNTS = {
    **{"manifest": 700, "labelled": 200, "results": 200, "scenario": 200, "reward": 200, "trainer": 100},
    **{"plan": 150, "recipe": 100, "adapter": 150},
}


@pytest.fixture(scope="module")
def results(tmp_path_factory):
    """All cases, in one process: it imports torch once."""
    jobs = [Job(kind, 0, count) for kind, count in COUNTS.items()]
    return list(run_jobs(jobs, SEED, tmp_path_factory.mktemp("rows")))


def test_two_thousand_cases_run(results):
    assert len(results) == sum(COUNTS.values()) == 2_000


@pytest.mark.parametrize("kind", COUNTS)
def test_damaged_rows_are_read_as_they_say_or_refused_in_one_line(results, kind):
    own = [result for result in results if result.kind == kind]
    failed = [result for result in own if result.faults]
    assert not failed, "\n".join((table(own), *map(str, failed[:10])))
    # seeds that nothing accepts, or damage that nothing notices, would show nothing
    assert min(sum(result.accepted for result in own), sum(result.refused for result in own)) >= FEWEST

"""2,000 damaged recordings: each is read as whole as it was, or refused in one line; `make fuzz` is the long form."""

from __future__ import annotations

from tests.fuzz.campaign import run_cases
from tests.fuzz.report import table

COUNT = 2_000
SEED = 15


def test_damaged_recordings_are_read_whole_or_refused_in_one_line(tmp_path):
    results = list(run_cases("audio", SEED, 0, COUNT, tmp_path))
    assert len(results) == COUNT
    failed = [result for result in results if result.faults]
    assert not failed, "\n".join((table(results), *map(str, failed[:10])))
    # seeds that nothing accepts, or damage that nothing notices, would show nothing
    assert min(sum(result.accepted for result in results), sum(result.refused for result in results)) > COUNT

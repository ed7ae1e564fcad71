"""The campaign itself: each fault is seen, named by its input, and does not keep the next case from running."""

from __future__ import annotations

from tests.fuzz import faulty
from tests.fuzz.campaign import run_cases
from tests.fuzz.oracle import FAULTS
from tests.fuzz.report import causes, table

QUIET_S = 8.0


def test_every_fault_is_seen_and_the_next_case_runs(tmp_path):
    results = list(run_cases("faulty", 1, 0, len(faulty.CASES), tmp_path, QUIET_S))
    assert [result.number for result in results] == list(range(len(faulty.CASES)))
    found = [[fault.fault for fault in result.faults] or [faulty.FINE] for result in results]
    assert [faults[0] for faults in found] == [fault for fault, _, _ in faulty.CASES]
    crashed = next(result for result in results if result.faults and result.faults[0].fault == "crash")
    assert "string_at" in crashed.faults[0].detail
    kept = {path.name for path in (tmp_path / "failed").iterdir()}
    assert kept == {f"faulty-1-{result.number}" for result in results if result.faults}
    assert all((tmp_path / "failed" / name / "input").read_text() in FAULTS for name in kept)
    row = table(results).splitlines()[-1]
    assert row == "| faulty | 20 | 11 | 4 | 2 | 1 | 1 | 2 | 3 | 3 | 4 |"
    assert "python -m tests.fuzz --kind faulty --seed 1 --only 4" in causes(results)

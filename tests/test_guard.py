"""The default system on a small fixed set: no slice may be shown to be worse than the base."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from megaasr import read_jsonl, write_text
from recipes.tiny.join_manifests import join
from tests.command_line import megaasr

ROOT = Path(__file__).parents[1]
CLEAN = ROOT / "tests" / "data" / "guard" / "manifest.jsonl"
SCENARIOS = (
    "noise,far_field,obstructed,echo_reverb,recording,distortion,dropout,"
    "far_field+noise,noise+dropout,obstructed+noise+recording"
)


@pytest.fixture(scope="module")
def decoded(tmp_path_factory):
    """A folder with base.jsonl and routed.jsonl, and the guard's completed process.

    The clips are 10 degraded ones, one of each scenario, and 8 clean ones.
    """
    folder = tmp_path_factory.mktemp("guard")
    planned = megaasr(
        *("corpus", "plan", "--speech", CLEAN, "--noise", ROOT / "examples" / "noise", "--scenarios", SCENARIOS),
        *("--count", 10, "--seed", 5, "--workers", 1, "-o", folder / "plan"),
    )
    assert planned.returncode == 0, planned.stderr
    rows = join([folder / "plan", CLEAN], folder)
    write_text(folder / "set.jsonl", "".join(json.dumps(row) + "\n" for row in rows))
    base = megaasr("eval", folder / "set.jsonl", folder / "base.jsonl", "--router", "always_base")
    assert base.returncode == 0, base.stderr
    routed = megaasr(
        *("eval", folder / "set.jsonl", folder / "routed.jsonl", "--never-worse", folder / "base.jsonl"),
        *("--by", "effect", "--by", "severity", "--min-clusters", "5", "--min-words", "1"),
    )
    return folder, routed


@pytest.mark.slow
def test_what_ships_is_on_no_slice_worse_than_the_base(decoded):
    """The set is too small to show that every slice is not worse, which is exit code 4."""
    _, routed = decoded
    assert routed.returncode in {0, 4}, routed.stderr
    assert "megaasr: worse than" not in routed.stderr
    assert "megaasr: not worse than" in routed.stderr


@pytest.mark.slow
def test_what_ships_is_used_and_helps(decoded):
    folder, _ = decoded
    base, routed = (read_jsonl(folder / name) for name in ("base.jsonl", "routed.jsonl"))
    assert {row["adapter"] for row in base} == {None}
    assert sum(row["adapter"] is not None for row in routed) > 5
    assert all(row["adapter"] is None for row in routed if row["scenario"] == "clean")
    assert sum(row["num_edits"] for row in routed) < sum(row["num_edits"] for row in base)

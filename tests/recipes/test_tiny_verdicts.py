"""The verdict on each family against each baseline."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from megaasr import ParameterError, jsonl_line, write_text
from megaasr_plugins.evaluation.never_worse import Rules
from recipes.tiny import verdicts

WORDS = 100


def rows_of(errors: dict[str, int], clips: int = 12) -> list[dict[str, Any]]:
    """Results with `errors` in each clip of a family, every clip of another speaker."""
    return [
        {
            **{"audio": f"{family}/{number}.wav", "text": "word", "cluster": f"{family} {number}", "family": family},
            **{"condition": "degraded", "language": "en", "metric": "wer", "normaliser": "en", "prediction": "word"},
            **{"num_edits": count, "ref_len": WORDS, "substitutions": count, "insertions": 0, "deletions": 0},
            **{"flags": [], "adapter": None, "route": "made", "mean_logprob": -0.1, "audio_s": 1.0, "decoding_s": 1.0},
        }
        for family, count in errors.items()
        for number in range(clips)
    ]


def test_each_family_is_held_against_each_baseline():
    ours = rows_of({"street": 10, "room": 20})
    against = {"base": rows_of({"street": 20, "room": 10}), "other": rows_of({"street": 10, "room": 20})}
    found = {(family, name): outcome for family, name, outcome, _ in verdicts.verdicts(ours, against, Rules())}
    assert found == {
        ("street", "base"): "not worse",
        ("room", "base"): "worse",
        ("street", "other"): "not worse",
        ("room", "other"): "not worse",
    }


def test_too_few_clusters_cannot_tell():
    few = rows_of({"street": 10}, clips=3)
    ((*_, outcome, reason),) = verdicts.verdicts(few, {"base": few}, Rules())
    assert outcome == "cannot tell"
    assert "fewer than 10 clusters" in reason


def test_the_table_names_family_baseline_and_figures(tmp_path: Path):
    ours, base = (tmp_path / name for name in ("ours.jsonl", "base.jsonl"))
    for file, errors in ((ours, 10), (base, 30)):
        write_text(file, "".join(map(jsonl_line, rows_of({"street": errors}))))
    verdicts.main(ours, [f"base={base}"], tmp_path / "table.md")
    *_, line = (tmp_path / "table.md").read_text().splitlines()
    assert line.startswith("| street | base | not worse | 10.00 % against 30.00 %, difference -20.00 points")


def test_an_argument_of_another_form_is_refused(tmp_path: Path):
    write_text(tmp_path / "ours.jsonl", "")
    with pytest.raises(ParameterError, match="NAME=FILE is expected"):
        verdicts.main(tmp_path / "ours.jsonl", ["base.jsonl"], tmp_path / "table.md")

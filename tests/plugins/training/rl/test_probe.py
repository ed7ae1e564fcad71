"""`train rl --inspect` and the trainer `rl-probe`."""

from __future__ import annotations

import json
from types import SimpleNamespace
from unittest import mock

import pytest

from megaasr import Transcript, compose, load_plugins
from megaasr_core.base.errors import ParameterError
from megaasr_plugins.backends.whisper import Whisper
from megaasr_plugins.training.commands.run_trainer import open_trainer, show_groups, train_in
from megaasr_plugins.training.rl.groups import scored_groups
from megaasr_plugins.training.rl.inspection import differences, group_as_json, lines_of
from megaasr_plugins.training.rl.probe import shares, table
from megaasr_plugins.training.training_clips import Clip
from tests.plugins.few_tokens import FewTokens

PLUGINS = load_plugins()


def group_of(reference, *texts, truncated=()):
    """The group of a clip with these transcripts, scored by wer_accuracy with a floor of 0."""
    reward = compose({"terms": [{"name": "wer_accuracy", "settings": {"floor": 0.0}}]}, PLUGINS.rewards)
    drawn = [Transcript(text, "en", -0.5, 3, truncated=text in truncated, token_ids=(1, 2, 3)) for text in texts]
    return scored_groups([7], [Clip("0:a", "a.flac", reference, 0.5)], [drawn], reward)[0]


def test_a_group_has_its_scores_flags_and_ranks():
    group = group_of(
        "red green blue black",
        "red green blue black",
        "",
        "red green",
        "a b c d e f",
        "red green",
        truncated=["red green"],
    )
    assert group.rewards == (1.0, 0.0, 0.5, 0.0, 0.5)
    assert [sorted(one) for one in group.flags] == [[], ["empty"], ["overlong"], ["invented"], ["overlong"]]
    assert group.edits == (0, 4, 2, 6, 2)
    assert group.lengths(True) == [3, 3, 0, 3, 0]
    assert group.lengths(False) == [3] * 5
    found = group_as_json(group, "red green brown black", [0.0] * 5)
    assert [one["rank"] for one in found["rollouts"]] == [1, 2, 2, 3, 3]
    assert found["rollouts"][0]["text"] == "red green blue black"
    lines = "\n".join(lines_of(found))
    assert "spread of the rewards 1.000" in lines
    assert "[invented]" in lines


def test_differences_are_coloured():
    heard = differences("red pink black yellow orange white", "red green blue black yellow orange", "en")
    assert heard == "red \x1b[33mpink\x1b[0m \x1b[34m[blue]\x1b[0m black yellow orange \x1b[31mwhite\x1b[0m"
    assert differences("", "", "en") == "-"


def test_the_shares_of_a_probe():
    good = group_of("red green blue black", "red green blue black", "red")
    same = group_of("red green blue black", "red green", "red green")
    bad = group_of("red green blue black", "red", "")
    found = shares([good, same, bad], [0.25, 0.5, 0.25], 0.1, 1e-4)
    assert found == pytest.approx(
        {"cpi": 1 / 3, "bap": 2 / 3, "valid": 5 / 6, "without_variance": 1 / 3, "wer": 3.5 / 6, "best_wer": 1.25 / 3}
    )
    assert table([{"temperature": 0.5, **found}]).splitlines()[2] == "| 0.5 | 33.3 | 66.7 | 83.3 | 33.3 | 58.3 | 41.7 |"


def test_groups_are_shown_without_training(write_rl, reward_file, tmp_path, capsys):
    plugins = load_plugins([str(reward_file)])
    trainer = open_trainer(plugins, "rl", write_rl())
    from megaasr import TrainContext

    with mock.patch.object(Whisper, "options_type", FewTokens):
        show_groups(trainer, 2, TrainContext(plugins), as_json=True)
        rows = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
        show_groups(trainer, 1, TrainContext(plugins), as_json=False)
    assert len(rows) == 2
    assert len(rows[0]["rollouts"]) == 4
    assert set(rows[0]["rollouts"][0]["terms"]) == {"vowels", "total"}
    assert f"reference  {rows[0]['reference']}" in capsys.readouterr().out
    assert not (tmp_path / "out").exists()
    with pytest.raises(ParameterError, match="trainer sft has nothing to inspect"):
        show_groups(SimpleNamespace(name="sft"), 1, TrainContext(plugins), as_json=True)


def test_a_probe_writes_its_figures_table_and_plot(write_rl, reward_file, tmp_path):
    from megaasr import TrainContext

    plugins = load_plugins([str(reward_file)])
    with mock.patch.object(Whisper, "options_type", FewTokens):
        trainer = open_trainer(plugins, "rl-probe", write_rl(temperatures=[0.5, 1.0], clips=3))
        found = train_in(trainer, tmp_path / "out", TrainContext(plugins))
    assert [one["temperature"] for one in found["temperatures"]] == [0.5, 1.0]
    assert found["clips"] == 3
    assert json.loads((tmp_path / "out" / "probe.json").read_text()) == found
    assert len((tmp_path / "out" / "probe.md").read_text().splitlines()) == 4
    assert (tmp_path / "out" / "probe.png").read_bytes().startswith(b"\x89PNG")

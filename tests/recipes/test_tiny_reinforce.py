"""The recipe's reinforcement learning and its ablations: steps in order, configurations that the trainer takes."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from megaasr import RewardSample, UnknownNameError, installed_plugins
from megaasr_plugins.training.commands.run_trainer import open_trainer
from megaasr_plugins.training.rl.groups import open_reward
from recipes.tiny import reinforce, rl_ablations
from recipes.tiny.running import HERE
from tests.recipes.test_tiny_reproduce import check_order, steps


def test_every_step_reads_what_an_earlier_one_writes(tmp_path: Path) -> None:
    written = check_order(steps(tmp_path), set())
    after = check_order(reinforce.steps(tmp_path), written)
    (tmp_path / "rl_ablations").mkdir()
    check_order(rl_ablations.steps(tmp_path, list(rl_ablations.VARIANTS), 2), after)


def test_every_variant_is_a_training_from_the_same_start(tmp_path: Path) -> None:
    own = yaml.safe_load((HERE / "rl.yaml").read_text())
    for name in rl_ablations.VARIANTS:
        config = rl_ablations.config(own, name, 1)
        (tmp_path / f"{name}.yaml").write_text(yaml.safe_dump(config))
        trainer = open_trainer(installed_plugins(), "rl", tmp_path / f"{name}.yaml")
        open_reward(trainer, installed_plugins())
        assert (config["adapter"], config["training"]) == (own["adapter"], own["training"])
        assert (config["steps"], config["seed"]) == (rl_ablations.STEPS, 1)


def test_the_reward_of_the_recipe_is_the_papers_with_a_floor() -> None:
    plugins = installed_plugins()
    trainer = open_trainer(plugins, "rl", HERE / "rl.yaml")
    batch = [
        RewardSample(text, "please close the door") for text in ("please close a door", "thank you " * 9, "", "please")
    ]
    expected = plugins.rewards["dg_wgpo"].create({"floor": 0.0}).score(batch)
    assert open_reward(trainer, plugins).score(batch) == pytest.approx(expected, abs=1e-12)


def test_an_unknown_variant_is_named(tmp_path: Path) -> None:
    with pytest.raises(UnknownNameError, match="did you mean 'without_rep'"):
        rl_ablations.main(tmp_path, variant=["without_reps"])

"""Fixtures of configurations of the trainer `rl` for a small random Whisper."""

from unittest import mock

import pytest
import yaml

from megaasr import TrainContext, load_plugins
from megaasr_plugins.backends.whisper import Whisper
from megaasr_plugins.training.commands.run_trainer import open_trainer, train_in
from tests.plugins.few_tokens import FewTokens

REWARD = '''
from typing import ClassVar

from megaasr import Reward, hookimpl


class Vowels(Reward):
    """Share of the letters that are vowels."""

    name: ClassVar[str] = "vowels"

    def score(self, batch):
        """One score a sample."""
        return [sum(one in "aeiou" for one in s.hypothesis) / max(1, len(s.hypothesis)) for s in batch]


@hookimpl
def register_rewards(register):
    register(Vowels)
'''


@pytest.fixture
def reward_file(tmp_path):
    """A reward in one file, as a contributor writes it."""
    path = tmp_path / "vowels.py"
    path.write_text(REWARD)
    return path


@pytest.fixture
def write_rl(small_folder, data, tmp_path):
    """A function that writes a configuration; keyword arguments override the defaults."""

    def write(**fields):
        config = {
            "backend_settings": {"model": str(small_folder), "device": "cpu"},
            "training": [{"manifest": str(data / "train.jsonl")}],
            "dev": [{"name": "dev", "manifest": str(data / "dev.jsonl")}],
            "reward": "vowels",
            "sampling": {"temperature": 1.0},
            "decode": {"tokens_per_second": 1.0, "min_tokens": 4},
            "mask_overlong": False,  # a random model never ends
            "steps": 4,
            "prompts": 2,
            "rollouts": 4,
            "save_steps": 2,
            "learning_rates": {"encoder": 1e-3, "aligner": 1e-3, "llm": 1e-3},
            "report_to": [],
            **fields,
        }
        path = tmp_path / "rl.yaml"
        path.write_text(yaml.safe_dump(config))
        return path

    return write


@pytest.fixture
def train_rl(reward_file):
    """A function that trains by a configuration file and returns the report."""

    def run(config, out):
        plugins = load_plugins([str(reward_file)])
        with mock.patch.object(Whisper, "options_type", FewTokens):
            return train_in(open_trainer(plugins, "rl", config), out, TrainContext(plugins))

    return run

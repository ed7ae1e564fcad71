"""Fixtures of a manifest of short sounds and of configurations that train a small random Whisper within seconds."""

import json
from functools import partial
from unittest import mock

import numpy as np
import pytest
import soundfile
import yaml

from megaasr import TrainContext, load_plugins
from megaasr_plugins.backends.whisper import Whisper
from megaasr_plugins.training.commands.run_trainer import open_trainer, train_in
from tests.plugins.few_tokens import FewTokens


@pytest.fixture(scope="session")
def data(tmp_path_factory):
    """A folder with manifests of twelve tones of half a second, each with a text and a rising base WER."""
    folder = tmp_path_factory.mktemp("data")
    rng = np.random.default_rng(5)
    rows = []
    for number in range(12):
        times = np.arange(8_000) / 16_000
        sound = 0.1 * np.sin(2 * np.pi * (200 + 40 * number) * times) + 0.01 * rng.standard_normal(8_000)
        soundfile.write(folder / f"{number:02}.flac", sound, 16_000)
        text = f"number {number} said aloud"
        rows.append({"audio": f"{number:02}.flac", "text": text, "language": "en", "base_wer": number / 12})
    (folder / "train.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    (folder / "dev.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows[:3]))
    return folder


@pytest.fixture
def write_config(small_folder, data, tmp_path):
    """A function that writes a configuration; keyword arguments override the defaults."""
    return partial(written_config, small_folder, data, tmp_path)


@pytest.fixture(scope="module")
def write_shared_config(small_folder, data, tmp_path_factory):
    """As `write_config`, for fixtures of a module."""
    return partial(written_config, small_folder, data, tmp_path_factory.mktemp("config"))


def written_config(small_folder, data, folder, **fields):
    config = {
        "backend_settings": {"model": str(small_folder), "device": "cpu"},
        "training": [{"manifest": str(data / "train.jsonl")}],
        "dev": [{"name": "dev", "manifest": str(data / "dev.jsonl")}],
        "phases": [
            {"name": "sound", "learning_rates": {"encoder": 3e-3, "aligner": 1e-3}, "max_wer": [0.3, 0.7]},
            {"name": "words", "learning_rates": {"llm": 1e-3}, "max_wer": [0.7]},
        ],
        "batch_size": 2,
        "save_steps": 4,
        "logging_steps": 1,
        "dropout": 0.1,
        "scales": [1.0],
        "report_to": [],
        **fields,
    }
    path = folder / "sft.yaml"
    path.write_text(yaml.safe_dump(config))
    return path


@pytest.fixture(scope="session")
def train():
    """A function that trains by a configuration file and returns the report."""

    def run(config, out):
        plugins = load_plugins()
        with mock.patch.object(Whisper, "options_type", FewTokens):
            return train_in(open_trainer(plugins, "sft", config), out, TrainContext(plugins))

    return run

"""A folder of a training gives back its adapter for the data, sound, model, plugins and code that it was made with."""

import json
import os
import shutil
from functools import partial
from pathlib import Path

import pytest

from megaasr import OutputError, TrainContext, data_identity, load_plugins
from megaasr.library import training
from megaasr_plugins.training.commands.run_trainer import open_trainer, train_in
from tests.plugins.training.test_trainer_context import BACKEND


def later(path):
    """Let a recording be another: a second later."""
    os.utime(path, ns=(0, path.stat().st_mtime_ns + 10**9))


def reworded(folder, before, after):
    """Put other words into the model's tokeniser, without another size."""
    path = folder / "tokenizer_config.json"
    text = path.read_text()
    assert before in text
    path.write_text(text.replace(before, after))


def test_an_adapter_of_other_sound_model_or_code_is_refused(
    write_config, train, data, small_folder, tmp_path, monkeypatch
):
    shutil.copytree(data, tmp_path / "data")
    shutil.copytree(small_folder, tmp_path / "model")
    manifest, dev = (str(tmp_path / "data" / name) for name in ("train.jsonl", "dev.jsonl"))
    config = write_config(
        backend_settings={"model": str(tmp_path / "model"), "device": "cpu"},
        training=[{"manifest": manifest}],
        dev=[{"name": "dev", "manifest": dev}],
        phases=[{"name": "all", "learning_rates": {"llm": 1e-3}, "clips": 4}],
    )
    again = partial(train, config, tmp_path / "run")
    found = again()
    assert again() == found
    held = json.loads((tmp_path / "run" / "run.json").read_text())
    assert {"run", "code", "backend", "plugins", "manifest", "recordings"} <= set(held)

    later(tmp_path / "data" / "11.flac")
    with pytest.raises(OutputError, match=r"\(different: recordings\); remove it or name another folder"):
        again()
    later_by = held["recordings"]
    os.utime(tmp_path / "data" / "11.flac", ns=(0, (data / "11.flac").stat().st_mtime_ns))
    assert data_identity(map(Path, (manifest, dev)))["recordings"] == later_by
    reworded(tmp_path / "model", '"model_max_length": 448', '"model_max_length": 447')
    with pytest.raises(OutputError, match=r"\(different: backend \(files\)\); remove it"):
        again()
    reworded(tmp_path / "model", '"model_max_length": 447', '"model_max_length": 448')
    assert again() == found
    monkeypatch.setattr(training, "code_identity", lambda: {**held["code"], "sources": "of another checkout"})
    with pytest.raises(OutputError, match=r"\(different: code \(sources\)\); remove it"):
        again()


def test_an_adapter_of_another_plugin_is_refused(write_config, tmp_path):
    plugin = tmp_path / "mine.py"
    plugin.write_text(BACKEND)
    phases = [{"name": "all", "learning_rates": {"llm": 1e-3}, "clips": 4}]
    config = write_config(backend="mine", phases=phases)

    def run():
        plugins = load_plugins([str(plugin)])
        return train_in(open_trainer(plugins, "sft", config), tmp_path / "run", TrainContext(plugins))

    found = run()
    assert run() == found
    plugin.write_text(BACKEND.replace("another name", "another title"))
    with pytest.raises(OutputError, match=r"\(different: plugins \(mine\.py\)\); remove it"):
        run()

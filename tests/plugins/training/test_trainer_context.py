"""What trainers get: the plugins of the command, an engine, a log, and digests of the data that they name."""

import json
import shutil
from pathlib import Path
from typing import ClassVar

import pytest

from megaasr import ManifestError, OutputError, TrainContext, Trainer, data_digests, installed_plugins, load_plugins
from megaasr.testing import cases, failures
from megaasr_plugins.training.commands.run_trainer import open_trainer, train_in
from tests.command_line import megaasr

TRAINER = '''
import json
from pathlib import Path
from typing import ClassVar
from megaasr import Reward, Trainer, hookimpl

class Mine(Reward):
    """Nothing."""
    name: ClassVar[str] = "mine"

    def score(self, batch):
        return [1.0] * len(batch)

class Look(Trainer):
    """Report what the context holds."""
    name: ClassVar[str] = "look"
    manifest: Path

    def train(self, out, context):
        context.log.warning("looking")
        return {
            "mine": "mine" in context.plugins.rewards,
            "engine": repr(context.engine),
            "data": dict(context.data_digests(self)),
        }

@hookimpl
def register_rewards(register):
    register(Mine)

@hookimpl
def register_trainers(register):
    register(Look)
'''
BACKEND = '''
from typing import ClassVar
from megaasr import hookimpl, load_plugins

Whisper = load_plugins().backends["whisper"]

class Mine(Whisper):
    """Whisper under another name."""
    name: ClassVar[str] = "mine"

@hookimpl
def register_backends(register):
    register(Mine)
'''


class Old(Trainer):
    """A trainer as it was written before there was a context."""

    name: ClassVar[str] = "old"

    def train(self, out):
        return {"out": str(out)}


def test_train_plugin_and_engine_reach_the_trainer(tmp_path):
    (tmp_path / "look.py").write_text(TRAINER)
    (tmp_path / "m.jsonl").write_text("{}\n")
    (tmp_path / "look.yaml").write_text("manifest: m.jsonl\n")
    command = ["train", "look", "look.yaml", "-o", "out", "--json", "--plugin", "look.py"]
    done = megaasr(*command, "--engine", "local", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert (found["mine"], list(found["data"])) == (True, ["m.jsonl"])
    assert found["engine"].startswith("Local(")
    assert "looking" in done.stderr
    wrong = megaasr(*command, "--engine", "locla", cwd=tmp_path)
    assert wrong.returncode == 2
    assert "did you mean 'local'" in wrong.stderr


def test_sft_trains_a_backend_of_a_plugin(write_config, tmp_path):
    (tmp_path / "mine.py").write_text(BACKEND)
    plugins = load_plugins([str(tmp_path / "mine.py")])
    phases = [{"name": "all", "learning_rates": {"llm": 1e-3}, "clips": 4}]
    trainer = open_trainer(plugins, "sft", write_config(backend="mine", phases=phases))
    assert train_in(trainer, tmp_path / "run", TrainContext(plugins))["clips"] == {"all": 4}
    with pytest.raises(Exception, match="unknown backend 'mine'"):
        train_in(trainer, tmp_path / "other", TrainContext(installed_plugins()))


def test_sft_with_changed_labels_refuses_the_old_adapter(write_config, train, data, tmp_path):
    shutil.copytree(data, tmp_path / "data")
    phases = [{"name": "all", "learning_rates": {"llm": 1e-3}, "clips": 4}]
    manifest, dev = (str(tmp_path / "data" / name) for name in ("train.jsonl", "dev.jsonl"))
    config = write_config(training=[{"manifest": manifest}], dev=[{"name": "dev", "manifest": dev}], phases=phases)
    found = train(config, tmp_path / "run")
    assert train(config, tmp_path / "run") == found
    Path(manifest).write_text(Path(manifest).read_text().replace("aloud", "softly"))
    with pytest.raises(
        OutputError, match=r"configuration \(different: content of .*train\.jsonl, manifest\); remove it"
    ):
        train(config, tmp_path / "run")


def test_a_trainer_without_a_context_still_trains_and_warns(tmp_path, caplog):
    with pytest.warns(DeprecationWarning, match=r"trainer old: train\(self, out\) is deprecated"):
        found = train_in(Old(), tmp_path / "run", TrainContext(installed_plugins()))
    assert found == {"out": str(tmp_path / "run")}
    assert "write train(self, out, context)" in caplog.text


def test_digests_are_of_the_content_of_what_paths_name(tmp_path):
    class Named(Old):
        """Names data."""

        name: ClassVar[str] = "named"
        one: Path
        many: tuple[dict[str, Path], ...] = ()

    (tmp_path / "plan").mkdir()
    for name in ("a.jsonl", "plan/plan.json", "plan/recipes-00000.jsonl", "plan/other.txt"):
        (tmp_path / name).write_text(name)
    trainer = Named(one=tmp_path / "a.jsonl", many=({"plan": tmp_path / "plan"}, {"plan": tmp_path / "a.jsonl"}))
    before = data_digests(trainer)
    assert list(before) == [str(tmp_path / "a.jsonl"), str(tmp_path / "plan")]
    (tmp_path / "plan" / "other.txt").write_text("another")
    assert data_digests(trainer) == before
    (tmp_path / "plan" / "recipes-00000.jsonl").write_text("another")
    after = data_digests(trainer)
    assert [name for name in after if after[name] != before[name]] == [str(tmp_path / "plan")]
    with pytest.raises(ManifestError, match=r"cannot read .*nowhere: No such file"):
        data_digests(Named(one=tmp_path / "nowhere"))


@pytest.mark.parametrize("name", ["sft", "router"])
def test_the_trainers_pass_the_kit(name):
    assert failures(cases(f"trainer:{name}")) == {}

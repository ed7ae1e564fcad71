"""`train rl` from a configuration to an adapter: what it learns, logs and refuses; resuming."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from types import SimpleNamespace
from unittest import mock

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from megaasr import Audio, Utterance, load_plugins, read_lora, read_parts
from megaasr_core.base.errors import ManifestError, OutputError, ParameterError, PluginError, UnknownNameError
from megaasr_plugins.backends.whisper import Whisper
from megaasr_plugins.training.commands.run_trainer import open_trainer
from megaasr_plugins.training.hf_trainer import read_tensors
from megaasr_plugins.training.low_rank import merge_parts
from megaasr_plugins.training.rl import checkpoints, run
from megaasr_plugins.training.rl.policy import Policy, open_policy
from megaasr_plugins.training.training_clips import Clip, open_clips
from tests.command_line import megaasr

BLOCKS = "mega_lora_blocks.json"
WEIGHTS = "adapter/adapter_model.safetensors"


def rows_of(folder, without=("seconds",)):
    rows = [json.loads(line) for line in (folder / "metrics.jsonl").read_text().splitlines()]
    return [{name: value for name, value in row.items() if name not in without} for row in rows]


def test_a_reward_in_one_file_trains(write_rl, train_rl, tmp_path):
    """The reward is named in the configuration and rises; nothing of the trainer knows it."""
    rates = {"encoder": 5e-3, "aligner": 5e-3, "llm": 5e-3}
    sampling = {"temperature": 1.0, "top_k": 20}
    config = write_rl(steps=12, prompts=4, rollouts=8, learning_rates=rates, save_steps=12, beta=0.0, sampling=sampling)
    found = train_rl(config, tmp_path / "out")
    rows = rows_of(tmp_path / "out")
    assert [row["step"] for row in rows] == list(range(1, 13))
    rewards = [row["terms"]["vowels"]["mean"] for row in rows]
    assert sum(rewards[-3:]) > 1.2 * sum(rewards[:3])
    assert 0.0 < max(row["ratio_strays"] for row in rows) < 10.0
    assert [one["name"] for one in found["candidates"]] == ["start", "checkpoint-12"]
    assert not list((tmp_path / "out").glob("checkpoint-*"))


def test_the_ratio_is_1_before_the_first_step(write_rl, reward_file):
    """Whatever is scored beside a rollout, with gradient or without: no measure of a step depends on it."""
    plugins = load_plugins([str(reward_file)])
    settings = open_trainer(plugins, "rl", write_rl(rollouts=3))
    policy, clips = open_policy(settings, plugins), open_clips(settings.training, plugins)[:4]
    torch.manual_seed(0)
    for weight in (one for group in policy.parameter_groups() for one in group["params"]):
        torch.nn.init.normal_(weight, std=0.05)  # the second matrix of a new LoRA is zero
    groups = [SimpleNamespace(clip=clip, rollouts=own) for clip, own in zip(clips, policy.draw(clips, 1), strict=True)]
    together = policy.scores(groups)
    for group, own in zip(groups, together, strict=True):
        with torch.no_grad():
            (alone,) = policy.scores([group])
        for one, other in zip(own, alone, strict=True):
            assert float(((one.logprobs - other.logprobs).detach().exp() - 1.0).abs().max()) < 1e-5
        with policy.as_it_started(), torch.no_grad():
            (start,) = policy.scores([group])
        assert any(not torch.equal(one.logprobs, other.logprobs) for one, other in zip(start, alone, strict=True))


def test_a_row_of_metrics_has_what_its_page_names(write_rl, train_rl, tmp_path):
    train_rl(write_rl(report_to=["tensorboard"]), tmp_path / "out")
    row = rows_of(tmp_path / "out", without=())[0]
    assert set(row["terms"]) == {"vowels", "total"}
    assert set(row["seconds"]) == {"drawing", "reward", "resampling", "scoring", "update"}
    assert row["groups"]["drawn"] >= row["groups"]["kept"] == 2
    assert 0.0 < row["entropy"] < 11.0
    assert row["overlong"] == 1.0
    assert row["gate"]["below"] == 0.0
    assert row["gate"]["reward_below"] is None
    assert row["gate"]["reward_above"] == pytest.approx(row["terms"]["total"]["mean"])
    assert list((tmp_path / "out" / "tensorboard").glob("events.out.tfevents.*"))
    assert (tmp_path / "out" / "curves.png").read_bytes().startswith(b"\x89PNG")
    page = (Path(__file__).parents[4] / "docs" / "curves.md").read_text()
    names = {*row, *row["gate"], *row["groups"], *row["clipped"], *row["seconds"]} - {"step", "loss", "learning_rate"}
    assert not [name for name in names if f"`{name}`" not in page and f"`{name}/" not in page]


def test_stopped_and_resumed_is_never_stopped(write_rl, train_rl, tmp_path, monkeypatch):
    config = write_rl()
    whole = train_rl(config, tmp_path / "whole")
    real, calls = checkpoints.save, []

    def stops(*given):
        folder = real(*given)
        calls.append(folder)
        if len(calls) == 1:
            raise KeyboardInterrupt
        return folder

    monkeypatch.setattr(run.saved, "save", stops)
    with pytest.raises(KeyboardInterrupt):
        train_rl(config, tmp_path / "stopped")
    torch.manual_seed(99)  # what is drawn does not depend on a global generator
    again = train_rl(config, tmp_path / "stopped")
    assert rows_of(tmp_path / "stopped") == rows_of(tmp_path / "whole")
    assert {**again, "adapter": ""} == {**whole, "adapter": ""}
    if whole["adapter"]:
        assert (tmp_path / "stopped" / WEIGHTS).read_bytes() == (tmp_path / "whole" / WEIGHTS).read_bytes()


def final_tensors(write_rl, train_rl, out, monkeypatch, **fields):
    """The LoRA after the last step, whatever is chosen."""
    kept = {}

    def keeps(folder):
        last = sorted(folder.glob("checkpoint-*"))[-1]
        kept.update(read_tensors(last))

    monkeypatch.setattr(run.saved, "drop", keeps)
    train_rl(write_rl(**fields), out)
    return kept


def test_forward_passes_in_parts_are_one_step(write_rl, train_rl, tmp_path, monkeypatch):
    """As the shares of processes are: gradients add up to those of the whole batch."""
    fields = {"steps": 2, "prompts": 4, "save_steps": 2}
    whole = final_tensors(write_rl, train_rl, tmp_path / "whole", monkeypatch, micro_prompts=4, **fields)
    parts = final_tensors(write_rl, train_rl, tmp_path / "parts", monkeypatch, micro_prompts=1, **fields)
    assert any(float(one.abs().max()) > 0 for name, one in whole.items() if ".lora_B" in name)
    for name, tensor in whole.items():
        torch.testing.assert_close(parts[name], tensor, atol=1e-5, rtol=1e-3)


def test_groups_without_variance_are_replaced_at_most_so_often(write_rl, train_rl, tmp_path):
    """A reward that is always the same leaves nothing to learn: the step is logged, and changes nothing."""
    found = train_rl(write_rl(reward="anti_repetition", steps=1, save_steps=1), tmp_path / "out")
    (row,) = rows_of(tmp_path / "out")
    if row["groups"]["kept"]:
        pytest.fail("choose a reward that is constant on the random model")
    assert row["groups"] == {
        "drawn": 10,
        "kept": 0,
        "rounds": 5,
        "without_variance": 1.0,
        "without_variance_after": 1.0,
    }
    assert "loss" not in row
    assert found["candidates"][0]["dev"] == found["candidates"][1]["dev"]


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ("[1 / 0 for s in batch]", "ZeroDivisionError"),
        ("[float('nan') for s in batch]", "outside 0..1"),
        ("['a' for s in batch]", "neither a number nor None"),
        ("[0.5]", "1 scores for"),
        ("[2.0 for s in batch]", "outside 0..1"),
    ],
)
def test_a_reward_that_fails_stops_the_run_by_name(write_rl, train_rl, reward_file, tmp_path, body, reason):
    text = reward_file.read_text()
    start = text.index("[sum(")
    reward_file.write_text(text[:start] + body + text[text.index("\n", start) :])
    with pytest.raises(PluginError, match=rf"reward vowels.*{reason}.*clip 0:") as caught:
        train_rl(write_rl(), tmp_path / "out")
    assert "\n" not in str(caught.value)
    assert not (tmp_path / "out" / "adapter").exists()


def test_the_adapter_that_it_starts_with_stays_in_front(write_rl, train_rl, make_start, tmp_path):
    start = make_start(tmp_path / "start")
    rates = {"encoder": 5e-3, "llm": 5e-3}
    fields = {"adapter": str(start), "rank": 3, "alpha": 6.0, "learning_rates": rates, "tolerance": 1.0}
    with mock.patch.object(run, "best_of", lambda candidates: candidates[-1]):
        found = train_rl(write_rl(**fields), tmp_path / "out")
    folders = start, tmp_path / "out" / "adapter"
    before, after = (load_file(folder / "adapter_model.safetensors") for folder in folders)
    listed, now = (json.loads((folder / BLOCKS).read_text()) for folder in folders)
    for name, tensor in before.items():
        rank = min(tensor.shape) if ".lora_A" in name else tensor.shape[1]
        assert torch.equal(after[name][:rank] if ".lora_A" in name else after[name][:, :rank], tensor)
    for name, blocks in now.items():
        own = listed.get(name, [])
        assert blocks[: len(own)] == own
        assert [(one["rank"], one["alpha"]) for one in blocks[len(own) :]] == [(3, 6.0)]
    assert found["chosen"] == "checkpoint-4"
    read_lora(tmp_path / "out" / "adapter")


@pytest.fixture
def make_start(small_folder):
    """A function that writes an adapter of two parts for the small Whisper."""
    from megaasr import LoraPart
    from megaasr_plugins.training.low_rank import write_adapter

    def make(folder, seed=4):
        names = Whisper.create({"model": str(small_folder), "device": "cpu"}).module_groups()["encoder"]
        network = Whisper.create({"model": str(small_folder), "device": "cpu"}).network
        generator = torch.Generator().manual_seed(seed)
        parts = []
        for rank, used in ((4, names), (2, names[:3])):
            tensors = {}
            for name in used:
                out_size, in_size = network.get_submodule(name).weight.shape
                tensors[f"{name}.lora_A.weight"] = 0.1 * torch.randn(rank, in_size, generator=generator)
                tensors[f"{name}.lora_B.weight"] = 0.1 * torch.randn(out_size, rank, generator=generator)
            parts.append(LoraPart(tensors, rank, 2.0 * rank))
        write_adapter(folder, parts, 0.75, "whisper")
        return folder

    return make


def test_a_merged_start_is_the_mounted_one(make_start, small_folder, tmp_path):
    folder = make_start(tmp_path / "start")
    merged, mounted = (Whisper.create({"model": str(small_folder), "device": "cpu"}) for _ in range(2))
    merge_parts(merged.network, read_parts(folder))
    mounted.mount("start", folder)
    noise = np.random.default_rng(2).uniform(-0.1, 0.1, 16_000).astype(np.float32)
    batch = [(Utterance(Audio(noise, 16_000), "en"), "some words")]
    with torch.no_grad():
        (one,), (other,) = merged.log_probabilities(batch), mounted.log_probabilities(batch, "start")
        (base,) = mounted.log_probabilities(batch)
    torch.testing.assert_close(one, other, atol=1e-5, rtol=1e-5)
    assert float((one - base).abs().max()) > 1e-3


def test_what_does_not_fit_is_refused_before_the_first_step(write_rl, train_rl, tmp_path):
    with pytest.raises(UnknownNameError, match="did you mean 'vowels'"):
        train_rl(write_rl(reward="vowel"), tmp_path / "a")
    with pytest.raises(ParameterError, match=r"learning_rates.*decoder"):
        train_rl(write_rl(learning_rates={"decoder": 1e-3}), tmp_path / "b")
    with pytest.raises(ParameterError, match="rollouts = 1"):
        train_rl(write_rl(rollouts=1), tmp_path / "c")
    train_rl(write_rl(steps=1, save_steps=1), tmp_path / "d")
    with pytest.raises(OutputError, match="another configuration"):
        train_rl(write_rl(steps=2, save_steps=1), tmp_path / "d")


def test_a_run_is_its_reward_and_its_start(write_rl, train_rl, make_start, reward_file, tmp_path):
    """Another reward under the same name, or another adapter in the same folder, is another run."""
    config = write_rl(adapter=str(make_start(tmp_path / "start")), steps=1, save_steps=1)
    found = train_rl(config, tmp_path / "out")
    assert train_rl(config, tmp_path / "out") == found
    text = reward_file.read_text()
    reward_file.write_text(text.replace('"aeiou"', '"aeio"'))
    with pytest.raises(OutputError, match=r"different: .*rewards"):
        train_rl(config, tmp_path / "out")
    reward_file.write_text(text)
    make_start(tmp_path / "start", seed=5)
    with pytest.raises(OutputError, match="different: adapter"):
        train_rl(config, tmp_path / "out")


def test_each_clip_is_read_once_a_step(write_rl, train_rl, tmp_path, monkeypatch):
    read, drawn = [], []
    real, draw = Clip.read, Policy.draw
    monkeypatch.setattr(Clip, "read", lambda self, plugins: read.append(self.key) or real(self, plugins))
    monkeypatch.setattr(Policy, "draw", lambda self, clips, *rest: drawn.extend(clips) or draw(self, clips, *rest))
    train_rl(write_rl(steps=1, save_steps=1, prompts=3, iterations=3), tmp_path / "out")
    assert sorted(read) == sorted({clip.key for clip in drawn})


def test_without_matplotlib_nothing_is_trained(write_rl, train_rl, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    with pytest.raises(ParameterError, match="pictures need matplotlib"):
        train_rl(write_rl(), tmp_path / "out")
    assert not list((tmp_path / "out").iterdir())


def test_a_language_that_the_model_does_not_know_is_refused(write_rl, train_rl, data, tmp_path):
    (row,) = (data / "train.jsonl").read_text().splitlines()[:1]
    foreign = {**json.loads(row), "audio": str(data / json.loads(row)["audio"]), "language": "fr"}
    (tmp_path / "french.jsonl").write_text(json.dumps(foreign) + "\n")
    with pytest.raises(ManifestError, match="its language is 'fr'"):
        train_rl(write_rl(training=[{"manifest": str(tmp_path / "french.jsonl")}]), tmp_path / "out")


def test_the_command_lists_and_refuses(write_rl, reward_file, tmp_path):
    plugins = load_plugins([str(reward_file)])
    trainer = open_trainer(plugins, "rl", write_rl())
    assert trainer.reward == "vowels"
    done = megaasr("train", "rl", str(write_rl(reward="nothing")), "-o", str(tmp_path / "out"))
    assert done.returncode == 2
    assert len(done.stderr.strip().splitlines()) == 1

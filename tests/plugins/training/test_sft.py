"""`train sft` from a configuration to an adapter: what it writes, resuming to the bit, two processes."""

import copy
import json
import multiprocessing
import os
import random
import signal
import subprocess
import sys
import time
from unittest import mock

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from megaasr import DecodingOptions, Utterance, load_plugins, read_lora
from megaasr_core.base.audio_files import read_audio
from megaasr_core.base.errors import ManifestError, OutputError, ParameterError
from megaasr_plugins.backends.whisper import Whisper
from megaasr_plugins.training import finish, phase_run, run
from megaasr_plugins.training.commands.run_trainer import open_trainer
from megaasr_plugins.training.finish import average
from megaasr_plugins.training.hf_trainer import WHOLE, checkpoints, drop_broken
from megaasr_plugins.training.objective import Collator, Objective
from megaasr_plugins.training.selection import Score
from tests.command_line import megaasr
from tests.plugins.few_tokens import FewTokens

WEIGHTS = "adapter/adapter_model.safetensors"


def metrics(folder):
    return [json.loads(line) for line in (folder / "metrics.jsonl").read_text().splitlines()]


def test_an_adapter_comes_of_it_that_learned_and_can_be_mounted(write_config, train, small_folder, data, tmp_path):
    phases = [{"name": "all", "learning_rates": {"encoder": 3e-3, "aligner": 3e-3, "llm": 3e-3}, "clips": 120}]
    config = write_config(phases=phases, batch_size=6, save_steps=10, scales=[1.0, 0.5])
    found = train(config, tmp_path / "run")
    rows = metrics(tmp_path / "run" / "phase-1-all")
    assert [row["step"] for row in rows] == list(range(1, 21))
    assert rows[-1]["loss"] < rows[0]["loss"] - 0.2
    report = found["phases"]["phase-1-all"]
    assert [one["name"] for one in report["candidates"]] == ["checkpoint-10", "checkpoint-20"]
    best = min(report["candidates"], key=lambda one: (bool(one["faults"]), one["relative_wer"]))
    assert report["chosen"] == best["name"]
    assert found["scale"] in (1.0, 0.5)
    assert found["clips"] == {"all": 120}
    assert found["base"]["dev"]["words"] == 12
    assert not list((tmp_path / "run").glob("*/checkpoint-*"))
    backend = Whisper.create({"model": str(small_folder), "device": "cpu"})
    adapted = backend.mount("robust", tmp_path / "run" / "adapter")
    assert len(adapted.modules) == 32
    heard = backend.transcribe([Utterance(read_audio(data / "00.flac"))], DecodingOptions(), ["robust"])
    assert heard[0].adapter == "robust"


@pytest.fixture(scope="module")
def usual_run(write_shared_config, train, tmp_path_factory):
    """Folder and report of a run by the default configuration, and the random numbers drawn before and after it."""
    folder = tmp_path_factory.mktemp("usual") / "run"
    random.seed(3), np.random.seed(3), torch.manual_seed(3)  # noqa: NPY002
    expected = draws()
    random.seed(3), np.random.seed(3), torch.manual_seed(3)  # noqa: NPY002
    return folder, train(write_shared_config(), folder), expected, draws()


def draws():
    return random.random(), np.random.random(), float(torch.rand(()))  # noqa: NPY002


def test_phases_follow_each_other_and_a_finished_run_is_not_run_again(usual_run, write_config, train, monkeypatch):
    folder, found, _, _ = usual_run
    assert list(found["phases"]) == ["phase-1-sound", "phase-2-words"]
    assert found["clips"] == {"sound": 4 + 9, "words": 9}
    tensors = load_file(folder / WEIGHTS)
    assert {tensor.dtype for tensor in tensors.values()} == {torch.float16}
    blocks = json.loads((folder / "adapter" / "mega_lora_blocks.json").read_text())
    assert {len(own) for own in blocks.values()} == {1}
    monkeypatch.setattr(phase_run, "_train", None)
    assert train(write_config(), folder) == found


def test_killed_between_the_last_step_and_the_choice(usual_run, write_config, train, tmp_path, monkeypatch):
    config = write_config()
    whole, found, _, _ = usual_run

    def killed(*_):
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(phase_run, "_choose", killed)
        with pytest.raises(KeyboardInterrupt):
            train(config, tmp_path / "killed")
    again = train(config, tmp_path / "killed")
    assert again["phases"] == found["phases"]
    for name in (WEIGHTS, "phase-1-sound/metrics.jsonl"):
        assert (tmp_path / "killed" / name).read_bytes() == (whole / name).read_bytes()


def test_the_mean_of_two_runs_is_what_each_alone_would_give(write_config, train, small_folder, data, tmp_path):
    phases = [{"name": "all", "learning_rates": {"encoder": 3e-3, "llm": 1e-3}, "clips": 12}]
    found = train(write_config(runs=2, seed=7, phases=phases), tmp_path / "both")
    assert list(found["phases"]) == ["run-1/phase-1-all", "run-2/phase-1-all"]
    alone = [tmp_path / f"seed-{seed}" for seed in (7, 8)]
    for seed, folder in zip((7, 8), alone, strict=True):
        train(write_config(seed=seed, phases=phases), folder)
    both = read_lora(tmp_path / "both" / "adapter")
    single = [read_lora(folder / "adapter") for folder in alone]
    for module, (rank, scale) in both.modules.items():
        a, b = (both.tensors[f"{module}.lora_{half}.weight"] for half in "AB")
        parts = [one.modules[module] for one in single]
        assert rank == sum(own for own, _ in parts)
        deltas = [
            own_scale * one.tensors[f"{module}.lora_B.weight"] @ one.tensors[f"{module}.lora_A.weight"]
            for one, (_, own_scale) in zip(single, parts, strict=True)
        ]
        assert not torch.equal(*deltas)
        assert torch.allclose(scale * b @ a, sum(deltas) / 2, atol=1e-6)
    averaged = average_of(alone, write_config(runs=2, seed=7, phases=phases), tmp_path / "averaged")
    assert averaged["scales"] == found["scales"]
    assert [name.partition("/")[2] for name in averaged["phases"]] == ["phase-1-all"] * 2
    assert (tmp_path / "averaged" / WEIGHTS).read_bytes() == (tmp_path / "both" / WEIGHTS).read_bytes()


def average_of(roots, config, out):
    plugins = load_plugins()
    with mock.patch.object(Whisper, "options_type", FewTokens):
        return average(open_trainer(plugins, "sft", config), roots, out, plugins)


def test_runs_that_are_not_finished_or_of_other_data_are_not_averaged(write_config, train, tmp_path, data):
    phases = [{"name": "all", "learning_rates": {"llm": 1e-3}, "clips": 4}]
    one, other = tmp_path / "one", tmp_path / "other"
    config = write_config(phases=phases)
    train(config, one)
    with pytest.raises(ManifestError, match="other: the training is not finished"):
        average_of([one, other], config, tmp_path / "out")
    train(write_config(phases=phases, training=[{"manifest": str(data / "dev.jsonl")}]), other)
    with pytest.raises(ManifestError, match=r"not of the same training \(different: .*train.jsonl"):
        average_of([one, other], config, tmp_path / "out")
    (one / "phase-1-all" / "report.json").unlink()
    with pytest.raises(ManifestError, match="phase all is not finished"):
        average_of([one, one], config, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_a_later_phase_that_makes_nothing_better_is_left_out(write_config, train, tmp_path, monkeypatch):
    decoded = []

    def worse_every_time(backend, settings, plugins, *, adapter):
        decoded.append(adapter)
        one = Score(0.1 * len(decoded), 0.1, 12, 3, 0, empty=0.0, repetitive=0.0, invented=0.0, deleted=0.0)
        return {"dev": one}

    for module in (phase_run, run, finish):
        monkeypatch.setattr(module, "score_on", worse_every_time)
    found = train(write_config(save_steps=100), tmp_path / "run")
    kept, dropped = found["phases"].values()
    assert (kept["chosen"], kept["steps"]) == ("checkpoint-7", 7)
    assert (dropped["chosen"], dropped["steps"]) == ("start", 0)
    assert [one["name"] for one in dropped["candidates"]] == ["start", "checkpoint-5"]
    assert dropped["candidates"][0]["dev"] == kept["candidates"][0]["dev"]
    blocks = json.loads((tmp_path / "run" / "adapter" / "mega_lora_blocks.json").read_text())
    assert not [name for name in blocks if "decoder" in name and "encoder_attn" not in name]
    monkeypatch.setattr(phase_run, "_train", None)
    (tmp_path / "run" / "report.json").unlink()
    assert train(write_config(save_steps=100), tmp_path / "run")["phases"] == found["phases"]


def test_global_random_state_is_left_alone(usual_run):
    _, _, before, after = usual_run
    assert after == before


def call(config, out):
    return ["train", "sft", str(config), "-o", str(out), "--json"]


def command_train(config, out):
    """Train by the command line, with as many threads as the processes of these tests have."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        done = megaasr(*call(config, out))
    finally:
        torch.set_num_threads(threads)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def process(config, out):
    return [sys.executable, "-m", "megaasr_core.cli", *call(config, out)]


ONE_THREAD = {**os.environ, "OMP_NUM_THREADS": "1"}


@pytest.mark.slow
def test_killed_and_resumed_is_never_stopped(write_config, tmp_path):
    config = write_config(report_to=["tensorboard"], bf16=True)
    whole = command_train(config, tmp_path / "whole")
    out = tmp_path / "killed"
    for wanted in (out / "phase-1-sound" / "checkpoint-4" / WHOLE, out / "phase-2-words" / "checkpoint-4" / WHOLE):
        running = subprocess.Popen(process(config, out), env=ONE_THREAD, stderr=subprocess.PIPE)
        while running.poll() is None and not wanted.exists():
            time.sleep(0.001)  # between looks; what is waited for is the file
        running.send_signal(signal.SIGKILL)
        assert running.wait() == -signal.SIGKILL, running.stderr.read().decode()
        running.stderr.close()
    broken = out / "phase-2-words" / "checkpoint-99"  # as if it was killed while it wrote one
    broken.mkdir()
    (broken / "adapter.safetensors").write_bytes(b"half")
    again = command_train(config, out)
    for name in (WEIGHTS, "phase-1-sound/metrics.jsonl", "phase-2-words/metrics.jsonl", "phase-2-words/report.json"):
        assert (out / name).read_bytes() == (tmp_path / "whole" / name).read_bytes(), name
    assert all(report.pop("adapter") for report in (whole, again))
    assert whole == again
    events = list(out.glob("phase-1-sound/**/events.out.tfevents.*"))
    assert len(events) == 2  # one of the run that was killed, one of the run that went on


@pytest.mark.slow
def test_workers_that_render_change_no_result_and_end_with_it(usual_run, write_config, train, tmp_path):
    train(write_config(workers=2), tmp_path / "run")
    assert not multiprocessing.active_children()
    for name in (WEIGHTS, "phase-1-sound/metrics.jsonl", "phase-2-words/report.json"):
        assert (tmp_path / "run" / name).read_bytes() == (usual_run[0] / name).read_bytes(), name


@pytest.mark.slow
def test_two_processes_train_what_one_does(write_config, tmp_path):
    phases = [{"name": "all", "learning_rates": {"encoder": 3e-3, "aligner": 3e-3, "llm": 3e-3}, "clips": 24}]
    one = write_config(phases=phases, batch_size=4, dropout=0.0)
    command_train(one, tmp_path / "one")
    two = write_config(phases=phases, batch_size=2, dropout=0.0)
    launcher = [sys.executable, "-m", "torch.distributed.run", "--nproc-per-node=2", "--standalone"]
    launched = [*launcher, *process(two, tmp_path / "two")[1:]]
    done = subprocess.run(launched, env=ONE_THREAD, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    told = done.stdout.replace("{}\n", "", 1)  # the second process has nothing to tell
    report = json.loads(told)
    assert report["phases"]["phase-1-all"]["steps"] in (2, 4, 6)
    alone, together = (metrics(tmp_path / name / "phase-1-all") for name in ("one", "two"))
    assert [row["step"] for row in together] == [row["step"] for row in alone] == list(range(1, 7))
    for single, double in zip(alone, together, strict=True):
        assert double["loss"] == pytest.approx(single["loss"], rel=1e-3)
        assert double["grad_norm"] == pytest.approx(single["grad_norm"], rel=1e-2)


def test_accumulated_steps_are_one_larger_step(write_config, train, tmp_path):
    phases = [{"name": "all", "learning_rates": {"encoder": 3e-3, "llm": 3e-3}, "clips": 12}]
    once = train(write_config(phases=phases, batch_size=6, dropout=0.0), tmp_path / "once")
    parts = train(write_config(phases=phases, batch_size=2, accumulation=3, dropout=0.0), tmp_path / "parts")
    assert once["clips"] == parts["clips"]
    rows = [metrics(tmp_path / name / "phase-1-all") for name in ("once", "parts")]
    assert [row["loss"] for row in rows[1]] == pytest.approx([row["loss"] for row in rows[0]], rel=1e-4)


def test_distillation_adds_the_divergence_from_the_base_on_the_clean_clip(small_folder, data):
    backend = Whisper.create({"model": str(small_folder), "device": "cpu"})
    teacher = copy.deepcopy(backend.network)
    generator = torch.Generator().manual_seed(1)
    clip, clean = (Utterance(read_audio(data / f"{number:02}.flac"), "en") for number in (0, 1))
    together, alone = Collator(backend, True), Collator(backend, False)
    with torch.no_grad():
        nothing = Objective(backend, teacher, 2.0)(**together([(clip, "words", clip)]))["loss"]
        plain = Objective(backend)(**alone([(clip, "words", clip)]))["loss"]
        assert float(nothing) == pytest.approx(float(plain), abs=1e-4)  # it still is the base
        for weight in backend.network.parameters():
            weight.add_(0.3 * torch.randn(weight.shape, generator=generator))
        plain = Objective(backend)(**alone([(clip, "words", clean)]))["loss"]
        whole = Objective(backend, teacher, 2.0)(**together([(clip, "words", clean)]))["loss"]
        ours = backend.hidden_and_logits(backend.network, alone([(clip, "words", clip)]))[1].log_softmax(-1)
        theirs = backend.hidden_and_logits(teacher, alone([(clean, "words", clip)]))[1].log_softmax(-1)
    divergence = (theirs.exp() * (theirs - ours)).sum() / len(ours)
    assert divergence > 0.1
    assert float(whole) == pytest.approx(float(plain + 2.0 * divergence), rel=1e-5)


def test_a_distilled_run_learns_the_words_too(write_config, train, tmp_path):
    phases = [{"name": "all", "learning_rates": {"encoder": 3e-3, "llm": 3e-3}, "clips": 60}]
    train(write_config(phases=phases, batch_size=6, distil=0.1, save_steps=10), tmp_path / "run")
    rows = metrics(tmp_path / "run" / "phase-1-all")
    assert rows[-1]["loss"] < rows[0]["loss"]


def test_a_folder_of_something_else_is_left_alone(write_config, train, tmp_path):
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "letter.txt").write_text("dear")
    with pytest.raises(OutputError, match=r"holds letter\.txt but no run\.json: it is of something else"):
        train(write_config(), tmp_path / "mine")
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "run.json").write_text('{"run": "another"}')
    with pytest.raises(OutputError, match="holds a run of another configuration"):
        train(write_config(), tmp_path / "other")
    (tmp_path / "other" / "run.json").write_text("{")
    with pytest.raises(OutputError, match=r"run\.json: not JSON"):
        train(write_config(), tmp_path / "other")


def test_what_is_missing_is_said_before_the_first_step(write_config, train, data, tmp_path):
    with pytest.raises(ManifestError, match="no rows with"):
        train(
            write_config(dev=[{"name": "dev", "manifest": str(data / "dev.jsonl"), "where": {"split": "x"}}]), tmp_path
        )
    with pytest.raises(ParameterError, match="report_to trackio needs the package of that name"):
        train(write_config(report_to=["trackio"]), tmp_path / "a")
    with pytest.raises(ParameterError, match="save_steps 3 is no multiple of logging_steps 2"):
        train(write_config(save_steps=3, logging_steps=2), tmp_path / "b")
    assert not list(tmp_path.glob("*/phase-*"))


def test_a_checkpoint_without_its_mark_is_dropped(tmp_path):
    for step in (2, 10, 12):
        (tmp_path / f"checkpoint-{step}").mkdir()
    for step in (10, 2):
        (tmp_path / f"checkpoint-{step}" / WHOLE).touch()
    drop_broken(tmp_path)
    assert [path.name for path in checkpoints(tmp_path)] == ["checkpoint-2", "checkpoint-10"]
    assert not (tmp_path / "checkpoint-12").exists()


def test_a_language_that_the_model_does_not_know_is_refused_at_the_start(write_config, train, data, tmp_path):
    row = {"audio": str(data / "00.flac"), "text": "你好", "language": "zh", "base_wer": 0.1}
    (tmp_path / "zh.jsonl").write_text(json.dumps(row) + "\n")
    with pytest.raises(ManifestError, match=r"00\.flac: its language is 'zh', the model of backend whisper knows en;"):
        train(write_config(training=[{"manifest": str(tmp_path / "zh.jsonl")}]), tmp_path / "run")
    assert not (tmp_path / "run" / "base.json").exists()

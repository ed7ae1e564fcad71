"""Damaged rows, plans and configurations of each kind: success, or one line of a MegaasrError."""

import json

import numpy as np
import pytest

from megaasr import (
    MegaasrError,
    RewardSample,
    installed_plugins,
    read_reward,
    read_row_audio,
    read_sample,
    read_scenario,
    tried_rows,
    write_audio,
)
from megaasr_core.base.audio import Audio
from megaasr_plugins.corpus.labelling.rl_sampling import RlSampling
from megaasr_plugins.corpus.labelling.rl_selection import select_rl_rows
from megaasr_plugins.corpus.labelling.select import bucket_rows, filter_rows
from megaasr_plugins.corpus.planning.plan_corpus import PlanRequest, plan_corpus
from megaasr_plugins.corpus.planning.scenario_lists import open_scenarios
from megaasr_plugins.corpus.planning.speech import index_speech
from megaasr_plugins.corpus.statistics.stats import corpus_stats
from megaasr_plugins.evaluation.evaluate import tried_item
from megaasr_plugins.evaluation.rewards import sample_of
from megaasr_plugins.training.commands.run_trainer import open_trainer
from tests.core.mutants import WRONG, YAML, mutants
from tests.plugins.corpus.serial_engine import Serial

ROW = {
    "audio": "a.wav", "audio_path": "a.wav", "answer": "x", "text": "x", "language": "en", "offset": 0.1,
    "duration": 0.2,
    "end": 0.3, "channel": 0, "id": "i", "speaker": "s", "speed": 1.0, "subset": "sim-en-noise", "source": "sim",
}  # fmt: skip
LABELLED = {
    "id": "1", "audio": "a.wav", "text": "x", "scenario": "noise", "severity": 0.5, "effects": ["noise"], "snr_db": 3.0,
    "duration_s": 1.0, "base_wer": 0.5, "base_num_edits": 1, "base_ref_len": 2, "base_flags": ["empty"], "flags": [],
}  # fmt: skip
RL = {
    "messages": [{"role": "user", "content": "<audio>"}], "audios": ["a.wav"], "solution": "x", "prediction": "y",
    "base_wer": 0.5, "meta": {"id": "1", "language": "en", "duration_s": 1.0, "speaker": "s"},
}  # fmt: skip
SCORED = {"audio": "a.wav", "answer": "x", "prediction": "x", "language": "en", "base_wer": 0.5, "metric": "wer"}
CUT = {
    "id": "c", "start": 0.0, "duration": 0.5, "channel": 0, "type": "MonoCut",
    "supervisions": [{"id": "s", "start": 0.0, "duration": 0.2, "text": "x"}, {"id": "t", "start": 0.2,
    "duration": 0.2}],
    "recording": {"id": "r", "sources": [{"type": "file", "channels": [0], "source": "a.wav"}], "channel_ids": [0]},
}  # fmt: skip
SCENARIO = {
    "name": "mine", "effects": ["noise", "distortion"], "description": "of mine",
    "overrides": {"distortion": {"add_distortion": {"drive_db": [3, 9]}}},
}  # fmt: skip
REWARD = {"terms": [{"name": "wer_accuracy", "weight": 1.0, "gate": {"name": "anti_repetition", "settings": {}}}]}
SFT = {
    "backend": "whisper", "backend_settings": {"model": "m"}, "training": [{"manifest": "m.jsonl", "where": {"a": 1}}],
    "dev": [{"name": "dev", "manifest": "m.jsonl", "weight": 1.0, "most_worse": 0.2, "limit": 3}],
    "phases": [{"name": "one", "learning_rates": {"encoder": 1e-4}, "max_wer": [0.3], "epochs": 1,
    "warmup_ratio": 0.1}],
    "scales": [1.0, 0.5], "batch_size": 2, "dropout": 0.1, "seed": 3,
}  # fmt: skip
COUNT = 150


@pytest.fixture
def clip(tmp_path):
    rng = np.random.default_rng(0)
    write_audio(tmp_path / "a.wav", Audio((0.1 * rng.standard_normal(8_000)).astype(np.float32), 16_000))
    return tmp_path


def outcomes(folder, texts, name, use):
    """Use each text as a file; how many succeeded, and how many were refused in one line."""
    counts, lines = [0, 0], []
    for text in texts:
        (folder / name).write_bytes(text)
        try:
            use(folder / name)
            counts[0] += 1
        except MegaasrError as error:
            counts[1] += 1
            lines.append(str(error).strip())
        except Exception as error:
            raise AssertionError(f"{type(error).__name__} for {text[:300]!r}") from error
    assert not [line for line in lines if "\n" in line]
    return counts


def hear(manifest):
    """As `megaasr eval` and `corpus label` read: a fault is one line of its row."""
    for where, row in tried_rows(manifest):
        item = tried_item(row, manifest.parent, where)
        json.dumps(item.row, allow_nan=False)
        if item.fault:
            raise MegaasrError(item.fault)
        assert len(read_row_audio(item.source).samples)


def draw_for_rl(labelled):
    select_rl_rows(labelled, labelled.with_name("rl.jsonl"), RlSampling(1))


def reward(results):
    for where, row in tried_rows(results):
        sample_of(row, where)


@pytest.mark.parametrize(
    ("name", "row", "use"),
    [
        ("m.jsonl", ROW, hear),
        ("cuts.jsonl", CUT, hear),
        ("m.jsonl", ROW, index_speech),
        ("l.jsonl", LABELLED, lambda path: filter_rows(path, path.with_name("f.jsonl"), max_wer=9, drop_flags=["x"])),
        ("l.jsonl", LABELLED, lambda path: bucket_rows(path, [0.9], path.parent / "b", sample=2)),
        ("l.jsonl", {**LABELLED, "base_text": "y"}, draw_for_rl),
        ("l.jsonl", RL, hear),
        ("l.jsonl", LABELLED, corpus_stats),
        ("r.jsonl", SCORED, reward),
    ],
    ids=["heard", "cuts", "planned", "filtered", "drawn", "drawn for rl", "of rl", "counted", "rewarded"],
)
def test_damaged_rows(clip, name, row, use):
    succeeded, refused = outcomes(clip, mutants(1, row, COUNT), name, use)
    assert succeeded, "some damage is harmless"
    assert refused > COUNT // 8


@pytest.mark.parametrize(
    ("config", "use"),
    [
        (SCENARIO, lambda path: read_scenario(path, installed_plugins())),
        (REWARD, lambda path: read_reward(path, installed_plugins().rewards).score([RewardSample("a", "a", "en")])),
        (SFT, lambda path: open_trainer(installed_plugins(), "sft", path)),
    ],
    ids=["scenario", "reward", "training"],
)
def test_damaged_yaml(clip, config, use):
    succeeded, refused = outcomes(clip, mutants(2, config, COUNT, WRONG + YAML), "c.yaml", use)
    assert succeeded
    assert refused > COUNT // 3
    assert not list(clip.rglob("PWNED"))


@pytest.fixture
def plan(clip):
    (clip / "m.jsonl").write_text(json.dumps({"audio": "a.wav", "text": "x"}) + "\n")
    plugins = installed_plugins()
    request = PlanRequest(clip / "m.jsonl", open_scenarios("distortion", plugins), count=1)
    plan_corpus(request, clip / "plan", plugins, Serial.create())
    return clip / "plan"


@pytest.mark.parametrize("file", ["plan.json", "recipes-00000.jsonl"])
def test_damaged_plans(plan, file):
    whole = json.loads((plan / file).read_text())

    def render(path):
        for where, row in tried_rows(plan):
            if item := tried_item(row, plan, where):
                if item.fault:
                    raise MegaasrError(item.fault)
                read_row_audio(item.source)

    succeeded, refused = outcomes(plan, mutants(3, whole, COUNT), file, render)
    assert succeeded
    assert refused > COUNT // 3

    def count(path):
        corpus_stats(plan)

    outcomes(plan, mutants(4, whole, COUNT // 2), file, count)
    outcomes(plan, mutants(5, whole, COUNT // 2), file, lambda path: read_sample(plan / "plan.json#0"))

"""The trainer `router`: it learns, the same bits twice, resumes, and takes the route that costs fewest edits."""

import json
import os
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch

from megaasr import AdapterError, TrainContext, Utterance, installed_plugins, unit_identity, write_audio
from megaasr.library import training
from megaasr_core.base.errors import ManifestError, OutputError, ParameterError
from megaasr_core.testing import cases, plugins_of
from megaasr_core.testing.guards import touched_generators
from megaasr_plugins.corpus.planning.plan_corpus import PlanRequest, plan_corpus
from megaasr_plugins.corpus.planning.plan_index import row_of
from megaasr_plugins.corpus.planning.scenario_lists import open_scenarios
from megaasr_plugins.corpus.rendering.plan_renderer import PlanRenderer
from megaasr_plugins.engines.local import Local
from megaasr_routers.audio_quality import AudioQuality
from megaasr_routers.audio_quality.batches import Clips, epoch_of, targets_of, vary
from megaasr_routers.audio_quality.files import FILE, read_router, write_router
from megaasr_routers.audio_quality.loop import first_network, optimiser_of, schedule, train_step
from megaasr_routers.audio_quality.sources import Source, open_sources
from megaasr_routers.audio_quality.training import RouterTraining
from megaasr_routers.audio_quality.training_run import Progress
from tests.routers.quality import lively_router, noise_clip, speech_clip

CONTEXT = TrainContext(installed_plugins())
SMALL = {"hidden": 32, "heads": 2, "ffn": 64, "batch_size": 8, "epochs": 4, "learning_rate": 3e-3, "downsampling": 4}
BASE_EDITS, ROBUST_EDITS = {0: 2, 1: 8}, {0: 5, 1: 3}
"""By class: on clean clips the adapter does harm."""


def write_clips(folder, numbers):
    folder.mkdir()
    rows = []
    for number in numbers:
        degraded = number % 2
        clip = speech_clip(number, snr_db=3.0 if degraded else None, duration_s=0.5 + 0.05 * (number % 7))
        write_audio(folder / f"{number}.wav", clip)
        rows.append(
            {
                "id": f"clip {number}",
                "audio": f"{number}.wav",
                "label": "degraded" if degraded else 0,
                "split": "even" if number % 4 < 2 else "odd",
                "base_edits": BASE_EDITS[degraded],
                "robust_edits": ROBUST_EDITS[degraded],
            }
        )
    manifest = folder / "manifest.jsonl"
    manifest.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return manifest


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    folder = tmp_path_factory.mktemp("clips")
    return {
        "training": [{"manifest": write_clips(folder / "train", range(48))}],
        "dev": [{"manifest": write_clips(folder / "dev", range(100, 130))}],
    }


@pytest.fixture(scope="module")
def trained(data, tmp_path_factory):
    out = tmp_path_factory.mktemp("trained") / "run"
    return out, RouterTraining(**data, **SMALL).train(out, CONTEXT)


def test_it_learns_what_noise_is(trained, data):
    out, found = trained
    assert found["dev"]["auc"] > 0.9
    assert found["threshold"] == 0.5
    assert found["dev"]["nll"] <= found["dev"]["nll_before"]
    assert {"accuracy", "precision", "recall", "f1", "ece", "ece_before"} <= found["dev"].keys()
    assert sum(found["dev"]["routes"].values()) == found["dev"]["rows"] == 30
    edits = found["dev"]["edits"]
    assert (edits["base"], edits["robust"], edits["oracle"]) == (150.0, 120.0, 75.0)
    clean = found["dev"]["clean"]
    assert (clean["rows"], clean["edits"]["base"]) == (15, 30.0)
    assert clean["edits"]["routed"] == 30.0 + 3 * clean["to_adapter"]
    assert 0 < found["milliseconds_a_10_s_clip"] < 1000
    rows = [json.loads(line) for line in (out / "metrics.jsonl").read_text().splitlines()]
    assert [row["epoch"] for row in rows] == [0, 1, 2, 3]
    assert [row["step"] for row in rows] == [6, 12, 18, 24]
    assert json.loads((out / "report.json").read_text())["dev"] == found["dev"]
    assert sorted(path.name for path in out.iterdir()) == [
        "audio_quality.safetensors",
        "metrics.jsonl",
        "report.json",
        "run.json",
    ]
    router = AudioQuality(weights=out)
    assert read_router(out).objective == "label"
    routes = router.route([Utterance(speech_clip(501)), Utterance(speech_clip(503, snr_db=3.0))])
    assert [route.adapter for route in routes] == [None, "robust"]


def test_the_same_seed_gives_the_same_bits_and_another_does_not(trained, data, tmp_path):
    out, _ = trained
    again = RouterTraining(**data, **SMALL, cache_mib=0)
    touched = touched_generators(lambda: again.train(tmp_path / "again", CONTEXT))
    assert touched == []
    weights = (tmp_path / "again" / "audio_quality.safetensors").read_bytes()
    assert weights == (out / "audio_quality.safetensors").read_bytes()
    RouterTraining(**data, **{**SMALL, "epochs": 1, "seed": 1}).train(tmp_path / "other", CONTEXT)
    assert weights != (tmp_path / "other" / "audio_quality.safetensors").read_bytes()


def test_killed_and_resumed_is_never_stopped(trained, data, tmp_path, monkeypatch):
    out, found = trained
    settings = RouterTraining(**data, **SMALL)
    end_epoch = Progress.end_epoch

    def die_after_two(progress, *args):
        end_epoch(progress, *args)
        if progress.epoch == 2:
            raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(Progress, "end_epoch", die_after_two)
        with pytest.raises(KeyboardInterrupt):
            settings.train(tmp_path / "run", CONTEXT)
    with pytest.raises(OutputError, match="of another configuration"):
        RouterTraining(**data, **{**SMALL, "seed": 5}).train(tmp_path / "run", CONTEXT)
    again = settings.train(tmp_path / "run", CONTEXT)
    assert again["dev"] == found["dev"]
    for name in ("audio_quality.safetensors", "metrics.jsonl"):
        assert (tmp_path / "run" / name).read_bytes() == (out / name).read_bytes()


def test_a_finished_run_is_not_done_again(trained, data):
    out, found = trained
    assert RouterTraining(**data, **SMALL).train(out, CONTEXT) == found
    with pytest.raises(OutputError, match="another configuration"):
        RouterTraining(**data, **{**SMALL, "seed": 5}).train(out, CONTEXT)


def test_a_damaged_state_is_one_line(trained, data, tmp_path):
    (tmp_path / "unfinished.pt").write_bytes(b"nothing")
    with pytest.raises(OutputError, match=r"holds unfinished\.pt but no run\.json"):
        RouterTraining(**data, **SMALL).train(tmp_path, CONTEXT)
    shutil.copy(trained[0] / "run.json", tmp_path)
    with pytest.raises(OutputError, match="cannot go on from") as caught:
        RouterTraining(**data, **SMALL).train(tmp_path, CONTEXT)
    assert "\n" not in str(caught.value)


def test_by_the_outcome_the_adapter_gets_what_it_is_better_at(data, tmp_path):
    found = RouterTraining(**data, **SMALL, objective="outcome").train(tmp_path / "run", CONTEXT)
    edits = found["dev"]["edits"]
    assert edits["routed"] <= 80
    assert edits["routed"] < min(edits["base"], edits["robust"])
    assert read_router(tmp_path / "run").objective == "outcome"
    rows = [json.loads(line) for line in (tmp_path / "run" / "metrics.jsonl").read_text().splitlines()]
    assert rows[found["best_epoch"]]["edits"] == min(row["edits"] for row in rows)


def test_a_training_that_diverges_says_so(data, tmp_path):
    settings = RouterTraining(**data, **{**SMALL, "learning_rate": 1e30}, warmup_ratio=0)
    with pytest.raises(ParameterError, match=r"loss is not finite at step \d+; lower learning_rate"):
        settings.train(tmp_path / "run", CONTEXT)


def test_steps_bound_the_training(data, tmp_path):
    found = RouterTraining(**data, **SMALL, max_steps=7).train(tmp_path / "run", CONTEXT)
    assert found["steps"] == 7


def outcome_rows(tmp_path, pairs):
    write_audio(tmp_path / "a.wav", noise_clip(1_000))
    rows = [{"audio": "a.wav", "base_edits": base, "robust_edits": robust} for base, robust in pairs]
    (tmp_path / "m.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    return open_sources([Source(manifest=tmp_path / "m.jsonl")], CONTEXT.plugins)


def test_outcome_rows_weigh_by_the_difference(tmp_path, data):
    settings = RouterTraining(**data, objective="outcome", tie_weight=0.25, most_weight=6)
    examples = outcome_rows(tmp_path, [(3, 3), (5, 2), (2, 5.5), (40, 0), (0, 0)])
    targets, weights = targets_of(examples, settings, "training")
    assert targets.tolist() == [0, 1, 0, 1, 0]
    assert weights.tolist() == [0.25, 3.0, 3.5, 6.0, 0.25]
    with pytest.raises(ManifestError, match="objective label needs a label"):
        targets_of(examples, RouterTraining(**data), "training")
    with pytest.raises(ManifestError, match="all 1 clips are of class 0"):
        targets_of(examples[:1], settings, "training")


def test_dropout_draws_anew_at_every_step_and_by_the_step_alone(data):
    settings = RouterTraining(**data, **{**SMALL, "learning_rate": 1e-30}, dropout=0.5, weight_decay=0)
    examples = open_sources(settings.training, CONTEXT.plugins)
    batch = next(epoch_of(Clips(examples, 100), *targets_of(examples, settings, "training"), settings, 0))
    progress = Progress(Path("unused"), first_network(settings))
    optimiser = optimiser_of(progress.network, settings)
    losses = []
    for progress.step in (0, 1, 0):
        losses.append(train_step(progress, optimiser, batch, settings, 10))
    assert losses[0] == losses[2] != losses[1]


def test_every_clip_comes_once_an_epoch_in_another_order(data):
    settings = RouterTraining(**data, **SMALL)
    examples = open_sources(settings.training, CONTEXT.plugins)
    targets, weights = np.arange(len(examples)), np.ones(len(examples))
    orders = []
    for epoch in (0, 0, 1):
        batches = list(epoch_of(Clips(examples, 100), targets, weights, settings, epoch))
        assert [len(batch.targets) for batch in batches] == [8] * 6
        orders.append(torch.cat([batch.targets for batch in batches]).tolist())
    assert orders[0] == orders[1] != orders[2]
    assert sorted(orders[0]) == list(range(48))


def test_variation_crops_and_scales_and_depends_on_the_clip_alone(data):
    clip = noise_clip(32_000)
    plain = RouterTraining(**data, gain_db=(-6.0, -6.0), noise_probability=0, crop_s=1.0)
    varied = vary(clip, "a", plain, 0).samples
    assert len(varied) == 16_000
    start = int(np.argmin(np.abs(np.lib.stride_tricks.sliding_window_view(clip.samples, 8)[:, 0] * 0.5012 - varied[0])))
    np.testing.assert_allclose(varied, clip.samples[start : start + 16_000] * 10 ** (-6 / 20), rtol=1e-5)
    noisy = RouterTraining(**data, gain_db=(0.0, 0.0), noise_probability=1, noise_snr_db=(40.0, 40.0))
    added = vary(clip, "a", noisy, 0).samples - clip.samples
    assert 20 * np.log10(np.std(clip.samples) / np.std(added)) == pytest.approx(40, abs=0.2)
    np.testing.assert_array_equal(vary(clip, "a", noisy, 3).samples, vary(clip, "a", noisy, 3).samples)
    assert not np.array_equal(vary(clip, "a", noisy, 3).samples, vary(clip, "b", noisy, 3).samples)
    assert len(vary(noise_clip(0), "a", noisy, 0).samples) == 0


def test_sources_choose_rows(data, tmp_path):
    manifest = data["dev"][0]["manifest"]
    assert len(open_sources([Source(manifest=manifest, where={"split": "even"})], CONTEXT.plugins)) == 16
    assert (
        len(open_sources([Source(manifest=manifest, limit=3), Source(manifest=manifest, limit=4)], CONTEXT.plugins))
        == 7
    )
    assert {one.degraded for one in open_sources([Source(manifest=manifest, label="clean")], CONTEXT.plugins)} == {0}
    outcomes = tmp_path / "outcomes.jsonl"
    outcomes.write_text(json.dumps({"id": "clip 100", "base_edits": 9, "robust_edits": 1}) + "\n")
    (one,) = open_sources([Source(manifest=manifest, outcomes=outcomes, limit=1)], CONTEXT.plugins)
    assert (one.base_edits, one.robust_edits) == (9.0, 1.0)
    with pytest.raises(ManifestError, match="has no row of that id"):
        open_sources([Source(manifest=manifest, outcomes=outcomes)], CONTEXT.plugins)


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ({"text": "no sound"}, "line 1: needs 'audio' or 'audio_path', a text; it has text"),
        ({"audio": "gone.wav"}, "gone.wav does not exist"),
        ({"audio": "a.wav", "label": "dirty"}, "label 'dirty' is none of"),
        ({"audio": "a.wav", "label": [1]}, "is none of"),
        ({"audio": "a.wav", "base_edits": -1}, "base_edits -1 is no number of edits"),
        ({"audio": "a.wav", "robust_edits": "2"}, "robust_edits '2' is no number"),
    ],
)
def test_rows_that_cannot_be_used_are_one_line(tmp_path, row, message):
    write_audio(tmp_path / "a.wav", noise_clip(1_000))
    (tmp_path / "m.jsonl").write_text(json.dumps(row) + "\n")
    with pytest.raises(ManifestError, match=message):
        open_sources([Source(manifest=tmp_path / "m.jsonl")], CONTEXT.plugins)


def test_a_source_without_rows_is_refused(data):
    with pytest.raises(ManifestError, match=r"no rows with \{'split': 'none'\}"):
        open_sources([Source(manifest=data["dev"][0]["manifest"], where={"split": "none"})], CONTEXT.plugins)


def test_a_plan_is_rendered_on_the_fly(tmp_path):
    speech = write_clips(tmp_path / "speech", range(0, 8, 2))
    rows = [{"text": "words", "speaker": "s", **json.loads(line)} for line in speech.read_text().splitlines()]
    for row in rows:
        del row["label"]  # of the clean recording
    speech.write_text("".join(json.dumps(row) + "\n" for row in rows))
    plugins = installed_plugins()
    request = PlanRequest(speech, open_scenarios("distortion", plugins), count=5, shard_size=2)
    plan_corpus(request, tmp_path / "plan", plugins, Local.create({"workers": 1, "start_method": "fork"}))
    renderer = PlanRenderer(tmp_path / "plan")
    sources = [Source(plan=tmp_path / "plan"), Source(plan=tmp_path / "plan", label=0, limit=2)]
    examples = open_sources(sources, CONTEXT.plugins)
    assert [one.degraded for one in examples] == [1] * 5 + [0] * 2
    assert len({one.key for one in examples[:5]}) == 5
    for index in (0, 3):
        expected = renderer.render(row_of(renderer.folder, index))[1].audio.samples
        np.testing.assert_array_equal(examples[index].read().samples, expected)
    assert not np.array_equal(examples[0].read().samples, examples[1].read().samples)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"hidden": 30, "heads": 4}, "hidden 30 is no even multiple of heads 4"),
        ({"gain_db": (3.0, -3.0)}, "gain_db: 3.0 to -3.0 is no range"),
        ({"training": []}, "training"),
        ({"dev": [{"label": 1}]}, "either a manifest or a plan"),
        ({"dev": [{"manifest": "m", "plan": "p"}]}, "either a manifest or a plan"),
        ({"dev": [{"manifest": "m", "label": 2}]}, "dev.0.label"),
        ({"learning_rates": 1}, "did you mean 'learning_rate'"),
    ],
)
def test_the_configuration_is_bounded(change, message):
    good = {"training": [{"manifest": "m"}], "dev": [{"manifest": "m"}]}
    with pytest.raises(ParameterError, match=message) as caught:
        RouterTraining.create({**good, **change})
    assert "\n" not in str(caught.value)


def test_the_rate_rises_and_falls():
    rates = [schedule(step, 100, 0.1) for step in range(100)]
    assert rates[0] == pytest.approx(0.1)
    assert rates[9] == rates[10] == max(rates) == 1.0
    assert rates[55] == pytest.approx(0.5)
    assert 0 < rates[99] < 0.01
    assert schedule(0, 1, 0.1) == 1.0


CASES = cases("trainer:router", plugins=plugins_of(RouterTraining))


@pytest.mark.parametrize("check", [pytest.param(one, id=repr(one)) for one in CASES])
def test_conformance(check):
    check()


def test_by_the_label_it_listens_from_the_threshold_that_is_asked_for(data, tmp_path):
    found = RouterTraining(**data, **SMALL, max_steps=7, threshold=0.25).train(tmp_path / "run", CONTEXT)
    assert found["threshold"] == read_router(tmp_path / "run").threshold == 0.25
    with pytest.raises(ParameterError, match=r"threshold = 1\.0"):
        RouterTraining.create({**data, "threshold": 1.0})


def test_changed_labels_refuse_the_old_router(data, tmp_path):
    train, dev = (Path(data[part][0]["manifest"]) for part in ("training", "dev"))
    own = tmp_path / "manifest.jsonl"
    rows = [json.loads(line) for line in train.read_text().splitlines()]
    rows = [{**row, "audio": str(train.parent / row["audio"])} for row in rows]
    own.write_text("".join(json.dumps(row) + "\n" for row in rows))
    settings = RouterTraining(training=[{"manifest": own}], dev=[{"manifest": dev}], **SMALL, max_steps=1)
    settings.train(tmp_path / "run", CONTEXT)
    rows[0]["label"], rows[1]["label"] = rows[1]["label"], rows[0]["label"]
    own.write_text("".join(json.dumps(row) + "\n" for row in rows))
    with pytest.raises(OutputError, match=r"different: content of .*manifest\.jsonl"):
        settings.train(tmp_path / "run", CONTEXT)


def test_changed_sound_or_code_refuses_the_old_router(tmp_path, monkeypatch):
    own = write_clips(tmp_path / "clips", range(8))
    settings = RouterTraining(training=[{"manifest": own}], dev=[{"manifest": own}], **SMALL, max_steps=1)
    found = settings.train(tmp_path / "run", CONTEXT)
    assert settings.train(tmp_path / "run", CONTEXT) == found
    code = json.loads((tmp_path / "run" / "run.json").read_text())["code"]
    with monkeypatch.context() as patched:
        patched.setattr(training, "code_identity", lambda: {**code, "sources": "of another checkout"})
        with pytest.raises(OutputError, match=r"\(different: code \(sources\)\); remove it or name another folder"):
            settings.train(tmp_path / "run", CONTEXT)
    clip = tmp_path / "clips" / "3.wav"
    os.utime(clip, ns=(0, clip.stat().st_mtime_ns + 10**9))
    with pytest.raises(OutputError, match=r"\(different: recordings\)"):
        settings.train(tmp_path / "run", CONTEXT)


def test_a_router_is_the_contents_of_its_file(tmp_path):
    packaged = unit_identity(AudioQuality.create({}))["files"]
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        write_router(tmp_path / name / FILE, lively_router())
    identities = [unit_identity(AudioQuality.create({"weights": str(tmp_path / name)})) for name in ("a", "b")]
    assert identities[0] == identities[1]
    assert identities[0]["files"] != packaged
    write_router(tmp_path / "b" / FILE, lively_router(seed=1))
    other = unit_identity(AudioQuality.create({"weights": str(tmp_path / "b" / FILE)}))
    assert other["files"] != identities[0]["files"]
    with pytest.raises(AdapterError, match="no such router file"):
        unit_identity(AudioQuality.create({"weights": str(tmp_path / "c")}))

import errno
import io
import json
import tarfile

import numpy as np
import pytest
import soundfile

from megaasr import Audio, read_sample
from megaasr_core.base.audio_files import read_audio
from megaasr_core.base.errors import AudioError, ManifestError, OutputError
from megaasr_core.base.jsonl import read_rows
from megaasr_core.contracts.recipe import Recipe
from megaasr_core.flows.render import render
from megaasr_plugins.corpus.planning.plan_corpus import PlanRequest, plan_corpus
from megaasr_plugins.corpus.planning.plan_folder import PlanFolder
from megaasr_plugins.corpus.planning.scenario_lists import open_scenarios
from megaasr_plugins.corpus.rendering import plan_renderer, shard_writer
from megaasr_plugins.corpus.rendering.render_corpus import render_corpus as render_with
from megaasr_plugins.corpus.rendering.shard_writer import encode_flac
from tests.core.conftest import TONES
from tests.plugins.corpus.corpora import contents, rows_of, write_noise, write_speech
from tests.plugins.corpus.serial_engine import Serial


def render_corpus(*args):
    """Render with the plugin file that the plans of this file are made with."""
    return render_with(*args, plugins=[TONES])


@pytest.fixture
def plan(only_tones, tmp_path):
    """A plan of 20 samples in shards of 6, some of them too loud for 16 bits."""

    def make(name="plan", **changes):
        if not (tmp_path / "speech").exists():
            write_speech(tmp_path / "speech")
        request = {"count": 20, "shard_size": 6, "seed": 1, "convert": True, **changes}
        scenarios = open_scenarios("room+hissy,crowd,loud", only_tones)
        banks = {"noise": write_noise(tmp_path / f"noise-{name}")}
        speech = tmp_path / "speech" / "manifest.jsonl"
        plan_corpus(
            PlanRequest(speech, scenarios, banks=banks, plugins=(TONES,), **request),
            tmp_path / name,
            only_tones,
            Serial.create(),
        )
        return tmp_path / name

    return make


def test_a_tar_shard_is_what_webdataset_reads(plan, tmp_path, only_tones):
    folder = plan()
    report = render_corpus(folder, tmp_path / "out", Serial.create())
    assert (report.clips, report.failed, report.shards, report.rendered) == (20, 0, 4, 20)
    rows = list(read_rows(tmp_path / "out" / "manifest.jsonl"))
    assert report.audio_s == pytest.approx(sum(row["duration_s"] for row in rows))
    assert [row["id"] for row in rows] == [f"{index:09d}" for index in range(20)]
    with tarfile.open(tmp_path / "out" / "shard-00001.tar") as shard:
        members = shard.getmembers()
        assert [one.name for one in members[:4]] == [
            "000000006.flac",
            "000000006.json",
            "000000006.txt",
            "000000007.flac",
        ]
        facts = {(one.mtime, one.uid, one.gid, one.uname, one.gname, one.mode) for one in members}
        assert facts == {(0, 0, 0, "", "", 0o644)}
        flac, as_json, text = (shard.extractfile(one).read() for one in members[:3])
    assert json.loads(as_json) == rows[6]
    assert text.decode() == rows[6]["text"]
    info = soundfile.info(io.BytesIO(flac))
    assert (info.samplerate, info.channels, info.format, info.subtype) == (16_000, 1, "FLAC", "PCM_16")
    opened = PlanFolder.open(folder)
    planned = [row for index in range(4) for row in opened.rows(index)]
    banks = opened.open_banks()
    for row, source in zip(rows, planned, strict=True):
        recipe = Recipe.model_validate(row["recipe"])
        assert row["recipe"] == source["recipe"]
        speech = read_audio(opened.speech_root / row["source_audio"]).resampled(16_000)
        expected = render(speech, recipe, only_tones, banks)
        heard = read_sample(tmp_path / "out" / row["audio"])
        scaled = expected.audio.samples * 10 ** (row["gain_db"] / 20)
        assert np.max(np.abs(heard.samples - scaled)) <= 0.5001 / 32_768 + 1e-7
        assert (row["peak"], row["flags"]) == (expected.peak, list(expected.flags))
        assert row["duration_s"] == len(heard.samples) / 16_000
        assert row["effects"] == list(dict.fromkeys(step.effect for step in recipe.steps))
        assert (row["scenario"], row["severity"], row["snr_db"]) == (recipe.scenario, recipe.severity, None)
        assert (row["text"], row["speaker"], row["language"]) == tuple(
            source[name] for name in ("text", "speaker", "language")
        )


def test_too_loud_samples_are_turned_down_and_said(plan, tmp_path):
    render_corpus(plan(), tmp_path / "out", Serial.create())
    rows = rows_of(tmp_path / "out" / "manifest.jsonl")
    loud = [row for row in rows if row["gain_db"] < 0.0]
    assert loud
    for row in rows:
        heard = np.max(np.abs(read_sample(tmp_path / "out" / row["audio"]).samples))
        assert ("over_full_scale" in row["flags"]) == (row["peak"] > 1.0) == (row in loud)
        assert heard == pytest.approx(32_767 / 32_768 if row in loud else row["peak"], abs=0.6 / 32_768)


@pytest.mark.parametrize("peak", [0.5, 1.0, 1.7, 40.0])
def test_sixteen_bits_hold_every_sample_to_half_a_step(peak):
    samples = (peak * np.linspace(-1.0, 1.0, 4_001)).astype(np.float32)
    flac, gain_db = encode_flac(Audio(samples, 16_000), peak)
    heard, _ = soundfile.read(io.BytesIO(flac), dtype="float32")
    expected = np.minimum(samples.astype(np.float64) * 10 ** (gain_db / 20), 32_767 / 32_768)
    assert np.max(np.abs(heard - expected)) <= 0.501 / 32_768
    assert (gain_db < 0) == (peak > 1.0)


def test_a_folder_holds_the_same_audio(plan, tmp_path):
    folder = plan()
    render_corpus(folder, tmp_path / "tar", Serial.create())
    render_corpus(folder, tmp_path / "folder", Serial.create(), "folder")
    assert (tmp_path / "folder" / "shard-00003" / "000000019.flac").is_file()
    tar, files = (rows_of(tmp_path / name / "manifest.jsonl") for name in ("tar", "folder"))
    for one, other in zip(tar, files, strict=True):
        pair = (read_sample(tmp_path / "tar" / one["audio"]), read_sample(tmp_path / "folder" / other["audio"]))
        assert np.array_equal(pair[0].samples, pair[1].samples)
        assert {**one, "audio": ""} == {**other, "audio": ""}


@pytest.mark.parametrize("shard_format", ["tar", "folder"])
def test_what_is_missing_is_rendered_and_nothing_else(plan, tmp_path, shard_format):
    folder, out = plan(), tmp_path / "out"
    render_corpus(folder, out, Serial.create({"backwards": True}), shard_format)
    whole = contents(out)
    (out / "manifest-00002.jsonl").unlink()  # killed between audio and manifest: the audio is there
    (out / ".shard-00001.4711.tmp.tar").write_text("half a shard")
    (out / ".shard-00003.4711.tmp").mkdir()
    (out / ".shard-00003.4711.tmp" / "000000018.flac").write_text("half a shard")
    written = {path: path.stat().st_mtime_ns for path in out.glob("[ms]*-0000[013]*")}
    report = render_corpus(folder, out, Serial.create(), shard_format)
    assert (report.rendered, report.clips, report.shards) == (6, 20, 4)
    assert contents(out) == whole
    assert {path: path.stat().st_mtime_ns for path in written} == written
    assert render_corpus(folder, out, Serial.create(), shard_format).rendered == 0
    assert contents(out) == whole


def test_what_cannot_be_rendered_is_a_row_and_the_rest_is_done(plan, tmp_path, monkeypatch):
    folder, out = plan(), tmp_path / "out"
    (tmp_path / "speech" / "1.flac").write_text("words")
    soundfile.write(tmp_path / "speech" / "3.flac", np.zeros(4_000), 16_000)
    (tmp_path / "noise-plan" / "rain" / "0.wav").unlink()
    report = render_corpus(folder, out, Serial.create())
    failed = rows_of(out / "failures.jsonl")
    assert report.failed == len(failed)
    assert report.clips == 20 - len(failed) == len(rows_of(out / "manifest.jsonl"))
    errors = {row["audio"]: row["error"] for row in failed}
    assert "cannot be read as audio" in errors["1.flac"]
    assert "4000 samples at 16000 Hz, but the recipe was planned for" in errors["3.flac"]
    assert any("rain/0.wav: cannot be read" in row["error"] for row in failed)
    assert all("\n" not in row["error"] and row["recipe"] for row in failed)
    again = render_corpus(folder, out, Serial.create())
    assert (again.failed, again.clips, again.rendered) == (report.failed, report.clips, 0)


def test_a_plugin_that_raises_is_a_failed_row(plan, tmp_path, monkeypatch):
    folder = plan()

    def broken(*_):
        raise ZeroDivisionError("page\n" * 1_000)

    monkeypatch.setattr(plan_renderer, "render", broken)
    report = render_corpus(folder, tmp_path / "out", Serial.create())
    assert (report.clips, report.failed, report.failed_shards) == (0, 20, ())
    error = rows_of(tmp_path / "out" / "failures.jsonl")[0]["error"]
    assert error.startswith("ZeroDivisionError: page page")
    assert len(error) < 330


@pytest.mark.parametrize("shard_format", ["tar", "folder"])
def test_a_full_disk_costs_its_shards_and_leaves_no_halves(plan, tmp_path, monkeypatch, shard_format):
    folder, out = plan(), tmp_path / "out"
    render_corpus(folder, tmp_path / "whole", Serial.create(), shard_format)
    writer = {"tar": shard_writer._TarWriter, "folder": shard_writer._FolderWriter}[shard_format]
    add = writer.add

    def full(self, sample, flac, row):
        if sample == "000000009":
            raise OSError(errno.ENOSPC, "No space left on device")
        add(self, sample, flac, row)

    with monkeypatch.context() as patch:
        patch.setattr(writer, "add", full)
        report = render_corpus(folder, out, Serial.create(), shard_format)
    assert (report.shards, report.num_shards, report.clips, report.failed) == (3, 4, 14, 0)
    assert len(report.failed_shards) == 1
    assert "No space left on device" in report.failed_shards[0]
    assert not any("00001" in path.name or path.name.startswith(".") for path in out.iterdir())
    assert not (out / "manifest.jsonl").exists(), "the corpus is not complete"
    assert render_corpus(folder, out, Serial.create(), shard_format).rendered == 6
    assert contents(out) == contents(tmp_path / "whole")


def test_another_plan_format_or_corpus_is_refused(plan, tmp_path):
    folder = plan()
    render_corpus(folder, tmp_path / "out", Serial.create())
    for other, shard_format in ((plan("other", seed=2), "tar"), (folder, "folder")):
        with pytest.raises(OutputError, match="holds a corpus of another plan or format"):
            render_corpus(other, tmp_path / "out", Serial.create(), shard_format)
    with pytest.raises(OutputError, match="is the plan's own folder"):
        render_corpus(folder, folder, Serial.create())
    (tmp_path / "foreign").mkdir()
    (tmp_path / "foreign" / "manifest.jsonl").touch()
    with pytest.raises(OutputError, match=r"holds (manifest|shard).* but no render\.json"):
        render_corpus(folder, tmp_path / "foreign", Serial.create())
    (folder / "plan.json").write_text("{}")
    with pytest.raises(ManifestError, match="not a plan of schema 1: count: Field required"):
        render_corpus(folder, tmp_path / "new", Serial.create())
    assert not (tmp_path / "new").exists()


def test_two_runs_at_once_are_refused(plan, tmp_path, monkeypatch):
    from megaasr.library import run_folder

    monkeypatch.setattr(run_folder, "LOCK_WAIT_S", 0.0)
    folder = plan()
    with run_folder.run_folder(tmp_path / "out"), pytest.raises(OutputError, match="another run is filling it"):
        render_corpus(folder, tmp_path / "out", Serial.create())


def test_a_place_that_cannot_be_written_is_refused(plan, tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(OutputError, match="cannot write in"):
        render_corpus(plan(), tmp_path / "file" / "out", Serial.create())


def test_a_sample_that_cannot_be_read_says_why(plan, tmp_path):
    out = tmp_path / "out"
    render_corpus(plan(), out, Serial.create())
    shard = out / "shard-00000.tar"
    for audio, reason in (
        ("shard-00000.tar#nothing.flac", "holds no 'nothing.flac'"),
        ("shard-00009.tar#000000000.flac", "shard-00009.tar: no such file"),
        ("shard-00000.tar#000000000.txt", "cannot be read as audio"),
        ("shard-00000/000000000.flac", "no such file"),
    ):
        with pytest.raises(AudioError, match=reason):
            read_sample(out / audio)
    whole = shard.read_bytes()
    shard.write_bytes(whole[:3_000])
    with pytest.raises(AudioError, match=r"truncated|cannot be read"):
        read_sample(out / "shard-00000.tar#000000000.flac")
    shard.write_bytes(b"words" * 300)
    with pytest.raises(AudioError, match="cannot be read as tar"):
        read_sample(out / "shard-00000.tar#000000000.flac")
    shard.write_bytes(whole)
    assert read_sample(out / "shard-00000.tar#000000000.flac").sample_rate == 16_000


def test_rows_are_read_one_by_one_and_a_broken_one_is_named(tmp_path):
    path = tmp_path / "m.jsonl"
    path.write_text('{"a": 1}\n\n{"a": 2}\n{"a": \n')
    rows = read_rows(path)
    assert [next(rows), next(rows)] == [{"a": 1}, {"a": 2}]
    with pytest.raises(ManifestError, match=r"m\.jsonl, line 4: not JSON"):
        next(rows)
    with pytest.raises(ManifestError, match=r"cannot read .*nowhere\.jsonl"):
        next(read_rows(tmp_path / "nowhere.jsonl"))

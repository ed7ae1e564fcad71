"""label, filter, buckets and stats on a small rendered corpus, as their users call them."""

import json
from functools import partial
from pathlib import Path

import numpy as np
import pytest

from megaasr import is_there, load_plugins, read_clean, read_sample
from megaasr_core.base.audio_files import read_audio
from megaasr_core.base.errors import AudioError, ManifestError, ParameterError
from megaasr_plugins.corpus.labelling.select import bucket_rows, filter_rows
from megaasr_plugins.corpus.planning.plan_corpus import PlanRequest, plan_corpus
from megaasr_plugins.corpus.planning.scenario_lists import open_scenarios
from megaasr_plugins.corpus.rendering.render_corpus import render_corpus as render_with
from megaasr_plugins.corpus.statistics.stats import ErrorSums, corpus_stats
from megaasr_plugins.corpus.statistics.stats_page import lines, page, picture
from megaasr_plugins.evaluation.intervals import error_rate
from tests.command_line import megaasr, megaasr_process
from tests.core.conftest import TONES
from tests.plugins.corpus.corpora import rows_of, write_noise, write_speech
from tests.plugins.corpus.serial_engine import Serial

PLAN_READER = "megaasr_plugins.corpus.rendering.plan_reader"
EAR = str(Path(__file__).parents[2] / "core" / "ear_plugin.py")


def render_corpus(*args):
    """Render with the plugin file that the plans of this file are made with."""
    return render_with(*args, plugins=[TONES])


@pytest.fixture
def corpus(only_tones, tmp_path):
    """Twelve rendered samples; the ear hears the third word of each wrong."""
    write_speech(tmp_path / "speech")
    request = PlanRequest(
        tmp_path / "speech" / "manifest.jsonl",
        open_scenarios("room+hissy,crowd,loud", only_tones),
        count=12,
        shard_size=5,
        convert=True,
        banks={"noise": write_noise(tmp_path / "noise")},
        plugins=(TONES,),
    )
    plan_corpus(request, tmp_path / "plan", only_tones, Serial.create())
    render_corpus(tmp_path / "plan", tmp_path / "out", Serial.create())
    lengths = {row["recipe"]["num_samples"] for row in rows_of(tmp_path / "out" / "manifest.jsonl")}
    table = {str(length): ["words of nothing", "unused"] for length in lengths}
    (tmp_path / "table.json").write_text(json.dumps(table))
    return tmp_path


def corpus_command(folder, *args):
    return megaasr("corpus", *args, cwd=folder)


def label(folder, *options, table="table.json", out="labelled.jsonl", command=megaasr):
    setting = ("--plugin", EAR, "--backend", "ear", "--backend-set", f"table={table}", "--batch-size", "2")
    return command("corpus", "label", "out/manifest.jsonl", "-o", out, *setting, *options, cwd=folder)


def labelled(folder, wers, **fields):
    """A labelled manifest by hand: one row a WER."""
    rows = [
        {
            "id": f"{number:03}",
            "audio": f"{number:03}.flac",
            "text": "a",
            "scenario": "crowd",
            "severity": number / len(wers),
            "effects": ["crowd"],
            "duration_s": 1.0,
            "base_wer": wer,
            "base_num_edits": round(10 * wer),
            "base_ref_len": 10,
            "base_flags": [],
            **fields,
        }
        for number, wer in enumerate(wers)
    ]
    path = folder / "labelled.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def test_every_row_gets_the_words_and_errors_of_the_base(corpus):
    result = label(corpus)
    assert result.returncode == 0, result.stderr
    before, after = rows_of(corpus / "out" / "manifest.jsonl"), rows_of(corpus / "labelled.jsonl")
    assert len(after) == 12
    for row, source in zip(after, before, strict=True):
        assert row["base_text"] == "words of nothing"
        if row["language"] == "en":
            assert (row["base_num_edits"], row["base_ref_len"], row["base_wer"]) == (1, 3, pytest.approx(1 / 3))
        assert {name: value for name, value in row.items() if not name.startswith("base_")} == {
            **source,
            "audio": f"out/{source['audio']}",
        }
        assert read_sample(corpus / row["audio"]).sample_rate == 16_000


def test_the_first_rows_alone_are_labelled(corpus):
    assert label(corpus, out="whole.jsonl").returncode == 0
    whole = (corpus / "whole.jsonl").read_text().splitlines()
    for limit, kept in (("5", 5), ("40", 12)):
        assert label(corpus, "--limit", limit).returncode == 0
        assert (corpus / "labelled.jsonl").read_text().splitlines() == whole[:kept]
    assert "'--limit': Input should be greater than or equal to 1" in label(corpus, "--limit", "0").stderr


def test_a_killed_run_goes_on_where_it_stopped(corpus):
    assert label(corpus, out="whole.jsonl").returncode == 0
    (corpus / "table.json.calls").unlink()
    killed = label(corpus, "--backend-set", "fail_after=6", command=megaasr_process)
    assert killed.returncode not in (0, 2)
    assert not (corpus / "labelled.jsonl").exists()
    (corpus / "table.json.calls").unlink()
    again = label(corpus, "--backend-set", "fail_after=6")  # the same settings, and six more are enough
    assert "are done already" in again.stderr
    assert again.returncode == 0, again.stderr
    assert (corpus / "labelled.jsonl").read_bytes() == (corpus / "whole.jsonl").read_bytes()


def test_a_killed_run_begins_anew_under_another_normaliser(corpus):
    assert label(corpus, out="whole.jsonl").returncode == 0
    (corpus / "table.json.calls").unlink()
    assert label(corpus, "--backend-set", "fail_after=6", command=megaasr_process).returncode not in (0, 2)
    (corpus / "table.json.calls").unlink()
    (corpus / "mine.py").write_text(
        "from megaasr import Normaliser, hookimpl\n"
        "class Mine(Normaliser):\n"
        '    name, version, languages, unit = "mine", "1", ("en",), "character"\n'
        "    def normalise(self, text, language): return text\n"
        "@hookimpl\n"
        "def register_normalisers(register): register(Mine)\n"
    )
    mine = partial(megaasr, MEGAASR_NORMALISERS="en=mine")
    again = label(corpus, "--backend-set", "fail_after=100", "--plugin", "mine.py", command=mine)
    assert again.returncode == 0, again.stderr
    assert "is of another run and is begun anew" in again.stderr
    rows = rows_of(corpus / "labelled.jsonl")
    assert [row["base_ref_len"] for row in rows] == [len("".join(row["text"].split())) for row in rows]


def test_a_recording_that_is_gone_is_a_row_with_an_error_and_the_rest_is_done(corpus):
    (corpus / "out" / "shard-00001.tar").unlink()
    result = label(corpus)
    assert result.returncode == 1
    assert "shard-00001.tar: no such file" in result.stderr
    rows = rows_of(corpus / "labelled.jsonl")
    assert ["error" in row for row in rows] == [False] * 5 + [True] * 5 + [False] * 2
    chosen = filter_rows(corpus / "labelled.jsonl", corpus / "kept.jsonl", max_wer=9.0)
    assert (chosen.kept, chosen.of, chosen.unlabelled) == (7, 7, 5)


def test_filter_keeps_what_is_within_bounds_and_names_the_audio_from_where_it_writes(tmp_path):
    source = labelled(tmp_path, [0.0, 0.1, 0.7, 0.69])
    (tmp_path / "elsewhere").mkdir()
    chosen = filter_rows(source, tmp_path / "elsewhere" / "kept.jsonl", max_wer=0.7, min_wer=0.1)
    rows = rows_of(chosen.path)
    assert [row["id"] for row in rows] == ["001", "003"]
    assert [row["audio"] for row in rows] == ["../001.flac", "../003.flac"]  # at least 0.1, below 0.7
    assert (chosen.kept, chosen.of) == (2, 4)


def test_filter_drops_flags(tmp_path):
    source = labelled(tmp_path, [0.0, 0.1], base_flags=["repetitive"])
    assert filter_rows(source, tmp_path / "kept.jsonl", drop_flags=["empty"]).kept == 2
    assert filter_rows(source, tmp_path / "kept.jsonl", drop_flags=["empty", "repetitive"]).kept == 0


def test_buckets_are_cumulative_and_strictly_below(tmp_path):
    source = labelled(tmp_path, [0.0, 0.29, 0.3, 0.49, 0.5, 0.7, 1.5])
    chosen = bucket_rows(source, [0.3, 0.5, 0.7], tmp_path / "b")
    assert [one.path.name for one in chosen] == [f"wer-below-{limit}.jsonl" for limit in ("0.30", "0.50", "0.70")]
    assert [one.kept for one in chosen] == [2, 4, 5]
    assert [row["id"] for row in rows_of(chosen[0].path)] == ["000", "001"]


def test_a_sample_is_of_the_asked_size_and_does_not_depend_on_the_order(tmp_path):
    source = labelled(tmp_path, [0.1] * 200)

    def sampled(name, seed):
        (one,) = bucket_rows(source, [0.3], tmp_path / name, sample=50, seed=seed)
        assert one.kept == 50
        return {row["id"] for row in rows_of(one.path)}

    first = sampled("a", 1)
    source.write_text("".join(reversed(source.read_text().splitlines(keepends=True))))
    assert sampled("b", 1) == first
    assert sampled("c", 2) != first


@pytest.mark.parametrize(
    ("args", "reason"),
    [
        (["filter", "plain.jsonl", "--max-wer", "0.7", "-o", "k.jsonl"], "plain.jsonl, line 2: base_wer is missing"),
        (["filter", "plain.jsonl", "-o", "k.jsonl"], "nothing to filter by"),
        (
            ["filter", "plain.jsonl", "--max-wer", "0.1", "--min-wer", "0.2", "-o", "k.jsonl"],
            "raise --max-wer, which is exclusive",
        ),
        (["filter", "plain.jsonl", "--max-wer", "0.7", "-o", "plain.jsonl"], "it is the input"),
        (["buckets", "plain.jsonl", "0.3", "0.3", "-o", "b"], "limit 0.3 is named twice"),
        (["buckets", "plain.jsonl", "0.3", "0.301", "-o", "b"], "equal in their first two decimals"),
        (["stats", "plain.jsonl"], "plain.jsonl, row 1: has no scenario"),
        (["stats", "nowhere"], "nowhere"),
        (["label", "plain.jsonl", "-o", "no/where.jsonl"], "does not exist"),
    ],
)
def test_a_mistake_is_one_line_and_nothing_is_written(tmp_path, args, reason):
    (tmp_path / "plain.jsonl").write_text('{"audio": "a", "base_wer": 0.5}\n{"audio": "b"}\n')
    result = corpus_command(tmp_path, *args)
    assert result.returncode == 2
    assert reason in result.stderr
    assert result.stderr.count("\n") == 1
    assert not [path for path in tmp_path.rglob("*") if path.is_file() and path.name != "plain.jsonl"]


def test_limits_that_leave_nothing_are_refused(tmp_path):
    for bounds in ({"max_wer": 0.1, "min_wer": 0.2}, {"max_wer": 0.1, "min_wer": 0.1}, {"max_wer": 0.0}):
        with pytest.raises(ParameterError, match="raise --max-wer, which is exclusive"):
            filter_rows(labelled(tmp_path, [0.1]), tmp_path / "k.jsonl", **bounds)
    with pytest.raises(ManifestError, match="line 1: base_wer is missing"):
        filter_rows(labelled(tmp_path, [0.1], base_wer="much"), tmp_path / "k.jsonl", max_wer=0.1)


def test_a_plan_and_its_corpus_have_the_same_statistics(corpus):
    planned, rendered = corpus_stats(corpus / "plan"), corpus_stats(corpus / "out")
    assert planned.samples == rendered.samples == 12
    assert planned.severity == rendered.severity
    assert planned.snr_db == rendered.snr_db
    assert planned.duration_s == pytest.approx(rendered.duration_s)
    assert planned.scenarios == rendered.scenarios
    assert sum(planned.scenarios.values()) == 12


def test_statistics_of_a_labelled_corpus(tmp_path):
    found = corpus_stats(labelled(tmp_path, [0.0, 0.5, 1.0, 0.5])).as_json()
    assert found["samples"] == 4
    assert found["wer"]["all"]["wer"] == 0.5
    assert found["wer"]["all"]["words"] == 40
    assert found["wer"]["1 effect"]["utterances"] == 4
    assert found["wer"]["severity 0 to 1/3"]["wer"] == 0.25
    assert found["hours"] == pytest.approx(4 / 3600)


def test_the_interval_is_that_of_the_bootstrap():
    edits, words = [0, 3, 1, 2, 0, 5, 1, 1, 0, 4] * 20, [5, 9, 7, 4, 6, 8, 3, 10, 5, 6] * 20
    sums = ErrorSums()
    for pair in zip(edits, words, strict=True):
        sums.add(*pair)
    ours, theirs = sums.wer(), error_rate(edits, words)
    assert ours["wer"] == theirs.value
    assert ours["low"] == pytest.approx(theirs.low, abs=0.005)
    assert ours["high"] == pytest.approx(theirs.high, abs=0.005)


def test_lines_picture_and_page(tmp_path):
    pytest.importorskip("matplotlib")
    stats = corpus_stats(labelled(tmp_path, [0.0, 0.5, 1.0, 0.5], snr_db=2.5))
    text = list(lines(stats))
    assert text[0] == "samples: 4, 0.00 h, failed: 0"
    assert any(line.startswith("all ") and "50.00" in line for line in text)
    assert picture(stats) == picture(stats)
    assert picture(stats).startswith(b"\x89PNG")
    assert "data:image/png;base64," in page(stats)
    result = corpus_command(tmp_path, "stats", "labelled.jsonl", "--png", "s.png", "--html", "s.html", "--json")
    assert result.returncode == 0, result.stderr
    assert json.loads(result.stdout)["samples"] == 4
    assert (tmp_path / "s.png").read_bytes() == picture(stats)


def test_an_unlabelled_corpus_is_drawn_too(corpus):
    pytest.importorskip("matplotlib")
    assert picture(corpus_stats(corpus / "plan")).startswith(b"\x89PNG")


def test_a_plan_is_labelled_without_a_rendered_copy(corpus):
    assert label(corpus).returncode == 0
    setting = ("--plugin", EAR, "--backend", "ear", "--backend-set", "table=table.json", "--batch-size", "2")
    (corpus / "labels").mkdir()
    refused = corpus_command(corpus, "label", "plan", "-o", "labels/planned.jsonl", *setting)
    assert refused.returncode == 1
    assert (
        f"which the plan uses, is not loaded, since a plan runs no code by itself; pass --plugin {TONES}"
        in refused.stderr
    )
    done = corpus_command(corpus, "label", "plan", "-o", "labels/planned.jsonl", *setting, "--plugin", TONES)
    assert done.returncode == 0, done.stderr
    rendered, planned = rows_of(corpus / "labelled.jsonl"), rows_of(corpus / "labels" / "planned.jsonl")
    plugins = load_plugins([TONES, PLAN_READER])
    assert [row["audio"] for row in planned] == [f"../plan/plan.json#{number}" for number in range(12)]
    for one, other in zip(rendered, planned, strict=True):
        for name in ("id", "text", "scenario", "severity", "effects", "base_text", "base_wer"):
            assert one[name] == other[name], name
        audio = corpus / "labels" / other["audio"]
        assert is_there(audio)
        heard = read_sample(audio, plugins=plugins)
        stored = read_sample(corpus / one["audio"])
        assert len(heard.samples) == len(stored.samples)
        source = read_audio(corpus / "speech" / one["source_audio"]).resampled(heard.sample_rate)
        assert np.array_equal(read_clean(audio, plugins=plugins).samples, source.samples)
        assert np.array_equal(read_clean(corpus / one["audio"]).samples, stored.samples)
        np.testing.assert_allclose(heard.samples * 10 ** (one["gain_db"] / 20), stored.samples, atol=1e-4)


def test_a_sample_of_a_plan_that_is_not_there_is_named(corpus):
    with pytest.raises(AudioError, match=r"plan\.json#12: the plan holds 12 samples"):
        read_sample(corpus / "plan" / "plan.json#12", plugins=load_plugins([TONES, PLAN_READER]))
    with pytest.raises(AudioError, match=r"plan\.json#x: the number of a sample is expected"):
        read_sample(corpus / "plan" / "plan.json#x")
    with pytest.raises(ManifestError, match="holds no complete plan"):
        read_sample(corpus / "plan.json#0")
    assert not is_there(corpus / "plan.json#0")

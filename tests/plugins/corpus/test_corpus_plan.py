import json
import re
import shutil

import numpy as np
import pytest
import soundfile
from hypothesis import given
from hypothesis import strategies as st

from megaasr import Audio, installed_plugins, load_plugins, measure_audio
from megaasr.library.scenarios import find_scenario
from megaasr_core.base.audio import resampled_length
from megaasr_core.base.audio_files import AudioLimits, read_audio
from megaasr_core.base.errors import (
    AudioError,
    ManifestError,
    OutputError,
    ParameterError,
    RecipeError,
    ScenarioError,
    UnknownNameError,
)
from megaasr_core.base.seeding import SampleKey
from megaasr_core.base.sound_bank import SoundBank
from megaasr_core.contracts.recipe import Recipe
from megaasr_core.flows.plan import plan
from megaasr_plugins.corpus.planning.plan_corpus import PlanRequest, plan_corpus
from megaasr_plugins.corpus.planning.plan_folder import PlanFolder
from megaasr_plugins.corpus.planning.scenario_lists import open_scenarios
from tests.core.conftest import TONES
from tests.plugins.corpus.corpora import contents, rows_of, write_noise, write_speech
from tests.plugins.corpus.serial_engine import Serial

SCENARIOS = "room+hissy,crowd,hissy,hall+crowd"


@pytest.fixture
def sources(tmp_path):
    return write_speech(tmp_path / "speech"), write_noise(tmp_path / "noise")


@pytest.fixture
def planned(sources, only_tones, tmp_path):
    def make(name="plan", engine=None, **changes):
        request = {
            "speech": sources[0],
            "scenarios": open_scenarios(SCENARIOS, only_tones),
            "count": 50,
            "seed": 7,
            "banks": {"noise": sources[1]},
            "shard_size": 8,
            "convert": True,
            "plugins": (TONES,),
        }
        report = plan_corpus(
            PlanRequest(**{**request, **changes}), tmp_path / name, only_tones, engine or Serial.create()
        )
        return tmp_path / name, report

    return make


def test_a_plan_holds_a_recipe_for_every_sample(planned, sources, only_tones):
    folder, report = planned()
    opened = PlanFolder.open(folder)
    rows = [row for index in range(len(opened.shards)) for row in opened.rows(index)]
    assert [row["id"] for row in rows] == [f"{index:09d}" for index in range(50)]
    assert [len(list(opened.rows(index))) for index in range(7)] == [8] * 6 + [2]
    assert (opened.count, report.num_shards, report.shards) == (50, 7, 7)
    assert sorted(path.name for path in folder.iterdir()) == ["plan.json", *(path.name for path in opened.shards)]
    assert rows[0].keys() == {"id", "audio", "text", "language", "speaker", "recipe"}
    banks = {"noise": SoundBank.open(sources[1])}
    for row in rows:
        recipe = Recipe.model_validate(row["recipe"])
        audio = read_audio(opened.speech_root / row["audio"]).resampled(16_000)
        assert recipe.num_samples == len(audio.samples)
        again = plan(
            find_scenario(recipe.scenario, only_tones),
            SampleKey(7, row["audio"], recipe.epoch),
            only_tones,
            num_samples=len(audio.samples),
            sample_rate=16_000,
            banks=banks,
        )
        assert again == recipe
    assert {row["language"] for row in rows} == {"en", "zh"}
    assert list(opened.open_banks()) == ["noise"]
    assert "gain" in opened.open_plugins([TONES]).primitives


def test_scenarios_are_balanced_and_recordings_take_turns(planned):
    folder, _ = planned()
    recipes = [row["recipe"] for path in PlanFolder.open(folder).shards for row in rows_of(path)]
    names = [recipe["scenario"] for recipe in recipes]
    assert sorted(names.count(name) for name in set(names)) == [12, 12, 13, 13]
    for epoch in range(7):
        assert len({recipe["utterance"] for recipe in recipes if recipe["epoch"] == epoch}) == 7


def test_the_bytes_do_not_depend_on_the_order_of_the_work(planned):
    one, _ = planned("one")
    other, _ = planned("other", engine=Serial.create({"backwards": True}))
    assert contents(one) == contents(other)


def test_an_unfinished_plan_is_finished_and_a_finished_one_is_left(planned, tmp_path):
    whole, _ = planned("whole")

    class Cut(Serial):
        def run(self, task, items):
            for number, outcome in enumerate(super().run(task, items)):
                if hasattr(task, "shard_size") and number == 3:
                    raise KeyboardInterrupt
                yield outcome

    with pytest.raises(KeyboardInterrupt):
        planned("cut", engine=Cut())
    with pytest.raises(ManifestError, match="holds no complete plan"):
        PlanFolder.open(tmp_path / "cut")
    with pytest.raises(OutputError, match="unfinished plan of other settings"):
        planned("cut", seed=8)
    (tmp_path / "cut" / ".recipes-00006.123.tmp.jsonl").write_text("half a sha")
    _, report = planned("cut")
    assert (report.shards, report.num_shards) == (3, 7), "the fourth was whole already"
    assert contents(tmp_path / "cut") == contents(whole)
    folder, report = planned("whole")
    assert (report.shards, report.settings.count) == (0, 50)
    with pytest.raises(OutputError, match="holds a plan of other settings"):
        planned("whole", curve="sqrt-forward")
    (folder / "recipes-00002.jsonl").unlink()
    with pytest.raises(ManifestError, match=r"lacks 1 of 7 shards, such as recipes-00002\.jsonl"):
        PlanFolder.open(folder)


def test_unreadable_recordings_are_left_out_and_said(planned, sources):
    speech = sources[0].parent
    (speech / "1.flac").write_bytes((speech / "1.flac").read_bytes()[:600])
    (speech / "3.flac").unlink()
    folder, report = planned()
    assert (report.settings.utterances, report.settings.unreadable) == (5, 2)
    assert [row["audio"] for row in rows_of(folder / "unreadable.jsonl")] == ["1.flac", "3.flac"]
    used = {row["audio"] for path in PlanFolder.open(folder).shards for row in rows_of(path)}
    assert used == {"0.flac", "2.flac", "4.flac", "5.flac", "6.flac"}


def test_without_convert_only_what_read_audio_takes_is_planned(planned, sources):
    soundfile.write(sources[0].parent / "0.flac", np.zeros(4_000), 4_000)
    folder, report = planned(convert=False)
    assert report.settings.utterances == 6
    assert "sample rate 4000 Hz" in (folder / "unreadable.jsonl").read_text()


def test_nothing_readable_and_an_unreadable_sound_are_refused(planned, sources):
    shutil.copy(sources[0], sources[1] / "manifest.jsonl")
    with pytest.raises(AudioError, match=r"no recording of 7 can be read; .*0\.flac: no such file"):
        planned("a", speech=sources[1] / "manifest.jsonl")
    (sources[1] / "rain" / "0.wav").write_text("words")
    with pytest.raises(RecipeError, match=r"rain/0\.wav: cannot be read as audio"):
        planned("b")


@pytest.mark.parametrize(
    ("changes", "error", "reason"),
    [
        ({"curve": "liner"}, UnknownNameError, "did you mean 'linear'"),
        ({"count": 0}, ParameterError, "count 0 and shard size 8"),
        ({"banks": {}}, RecipeError, "primitive sound: needs the bank 'noise'"),
    ],
)
def test_a_wrong_request_is_refused_before_anything_is_written(planned, tmp_path, changes, error, reason):
    with pytest.raises(error, match=reason):
        planned("wrong", **changes)
    assert not (tmp_path / "wrong").exists()


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ('{"audio": "0.flac"}', r"line 8: needs 'answer' or 'text'"),
        ('{"audio": "9.flac", "text": "x", "language": "gibberish"}', "line 8: language 'gibberish'"),
        ("{", "line 8: not JSON"),
        ('["0.flac"]', "line 8: a JSON object is expected"),
        ('{"audio": "9.flac", "text": NaN}', "line 8: NaN is no JSON number"),
        ('{"audio": "9.flac", "text": "\\ud800"}', "line 8: .*surrogate"),
    ],
)
def test_a_broken_row_is_left_out_and_the_others_are_planned(planned, sources, row, reason):
    with sources[0].open("a") as file:
        file.write(row + "\n")
    folder, report = planned()
    (left_out,) = rows_of(folder / "unreadable.jsonl")
    assert re.search(reason, left_out["error"])
    assert (report.settings.utterances, report.settings.unreadable) == (7, 1)
    sources[0].write_text(row + "\n")
    with pytest.raises(ManifestError, match=reason.replace("8", "1")):
        planned(name="of broken rows alone")


def test_an_utterance_is_named_once(planned, sources):
    with sources[0].open("a") as file:
        file.write('{"audio": "0.flac", "text": "x"}\n')
    with pytest.raises(ManifestError, match=r"'0\.flac' occurs more than once \(1 rows are repeats\)"):
        planned()


def test_an_id_is_the_utterance_where_there_is_one(planned, sources):
    rows = [{"id": f"utt-{number % 7}", "audio": f"{number % 2}.flac", "answer": "x"} for number in range(7)]
    sources[0].write_text("".join(json.dumps(row) + "\n\n" for row in rows))
    folder, _ = planned()
    recipes = [row["recipe"]["utterance"] for row in rows_of(folder / "recipes-00000.jsonl")]
    assert set(recipes) == {f"utt-{number}" for number in range(7)}


def test_scenarios_are_named_in_every_way(only_tones, tmp_path):
    (tmp_path / "mine.yaml").write_text("name: mine\neffects: [hissy]\n")
    names = tmp_path / "names"
    names.write_text(f"# these\nroom+hissy\n\n{tmp_path / 'mine.yaml'}\n")
    assert [one.name for one in open_scenarios(f"{names},hall", only_tones)] == ["room+hissy", "mine", "hall"]
    with pytest.raises(UnknownNameError, match="did you mean"):
        open_scenarios("romo", only_tones)


def test_all_means_megaasrs_own_whatever_is_installed_and_combines_with_names(tmp_path, monkeypatch, only_tones):
    own = list(installed_plugins().scenarios.in_tree)
    assert len(own) == 54
    monkeypatch.undo()
    plugins = load_plugins([TONES])
    assert "room+hissy" in plugins.scenarios
    (tmp_path / "mine.yaml").write_text("name: mine\neffects: [hissy]\n")
    (tmp_path / "names").write_text("all\nhall\n")
    for named, names in (
        ("all", own),
        ("all,room+hissy", [*own, "room+hissy"]),
        (f"{tmp_path / 'mine.yaml'}, all", ["mine", *own]),
        (str(tmp_path / "names"), [*own, "hall"]),
    ):
        assert [one.name for one in open_scenarios(named, plugins)] == names
    with pytest.raises(ScenarioError, match="megaasr's own scenarios are not loaded"):
        open_scenarios("hall,all", only_tones)


def test_all_and_one_of_them_again_is_refused(planned):
    with pytest.raises(ParameterError, match="scenario dropout is named twice"):
        planned(scenarios=open_scenarios("all,dropout", installed_plugins()))


def test_a_scenario_that_is_named_twice_is_refused(planned, only_tones):
    with pytest.raises(ParameterError, match="scenario hissy is named twice"):
        planned(scenarios=open_scenarios("hissy,hall,hissy", only_tones))


@given(num_samples=st.integers(1, 3_000), rate=st.integers(8_000, 48_000), new_rate=st.sampled_from((8_000, 16_000)))
def test_the_resampled_length_is_known_without_resampling(num_samples, rate, new_rate):
    audio = Audio(np.zeros(num_samples, np.float32), rate)
    assert resampled_length(num_samples, rate, new_rate) == len(audio.resampled(new_rate).samples)


@pytest.mark.parametrize("rate", [8_000, 11_025, 22_050, 32_000, 44_100, 48_000])
@pytest.mark.parametrize("num_samples", [160_000, 160_001, 441_441, 1_000_003])
def test_so_is_that_of_long_recordings(num_samples, rate):
    audio = Audio(np.zeros(num_samples, np.float32), rate)
    assert resampled_length(num_samples, rate, 16_000) == len(audio.resampled(16_000).samples)


@pytest.mark.parametrize("suffix", ["wav", "flac", "ogg", "opus", "mp3", "aiff"])
def test_a_header_tells_what_decoding_gives(tmp_path, suffix):
    path = tmp_path / f"a.{suffix}"
    options = {"format": "OGG", "subtype": "OPUS"} if suffix == "opus" else {}
    samples = 0.1 * np.random.default_rng(0).standard_normal(30_001)
    soundfile.write(path, samples, 16_000, **options)
    audio = read_audio(path)
    assert measure_audio(path) == (len(audio.samples), 16_000)
    with pytest.raises(AudioError, match="shorter than the minimum"):
        measure_audio(path, AudioLimits(min_duration_s=60.0))
    whole = path.read_bytes()
    path.write_bytes(whole[: 2 * len(whole) // 3])
    try:
        read = len(read_audio(path).samples)
    except AudioError:
        with pytest.raises(AudioError, match="truncated"):
            measure_audio(path)
    else:  # MP3 has no length to fall short of
        assert measure_audio(path) == (read, 16_000)


def test_a_bank_knows_lengths_without_decoding(sources, monkeypatch):
    bank = SoundBank.open(sources[1], cache_bytes=0)
    sounds = [bank.ref(path) for paths in bank.categories.values() for path in paths]
    lengths = [len(bank.load(sound, 16_000)) for sound in sounds]
    fresh = SoundBank.open(sources[1])
    monkeypatch.setattr(SoundBank, "load", None)
    assert [fresh.num_samples(sound, 16_000) for sound in sounds] == lengths
    (sources[1] / sounds[0].path).write_bytes(b"other")
    assert fresh.num_samples(sounds[0], 16_000) == lengths[0], "is known already"
    with pytest.raises(RecipeError, match="its bytes differ"):
        fresh.num_samples(sounds[0], 8_000)

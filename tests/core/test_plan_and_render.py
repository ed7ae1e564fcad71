import json
import pickle

import numpy as np
import pytest
import soundfile
from hypothesis import given
from hypothesis import strategies as st

from megaasr import Audio, Scenario
from megaasr.library.scenarios import find_scenario
from megaasr_core.base.errors import PluginError, RecipeError
from megaasr_core.base.seeding import SampleKey
from megaasr_core.base.sound_bank import SoundBank
from megaasr_core.contracts.recipe import Recipe
from megaasr_core.flows.plan import plan
from megaasr_core.flows.render import render

SPEECH = Audio((0.1 * np.random.default_rng(1).standard_normal(4_000)).astype(np.float32), 16_000, "speech.wav")
SIZE = {"num_samples": 4_000, "sample_rate": 16_000}


@pytest.fixture
def bank(tmp_path):
    rng = np.random.default_rng(2)
    for category in ("street", "rain"):
        (tmp_path / category).mkdir()
        for number in range(3):
            sound = 0.1 * rng.standard_normal(1_000 + 900 * number)
            soundfile.write(tmp_path / category / f"{number}.wav", sound, 8_000 * (1 + number), subtype="FLOAT")
    return SoundBank.open(tmp_path)


@pytest.fixture
def planned(only_tones):
    def make(name="room+hissy", seed=1, utterance="utt", **options):
        return plan(find_scenario(name, only_tones), SampleKey(seed, utterance), only_tones, **{**SIZE, **options})

    return make


def test_a_recipe_holds_every_number(planned):
    recipe = planned(severity=0.5)
    assert [(step.effect, step.primitive, step.parameters) for step in recipe.steps] == [
        ("room", "gain", {"gain_db": -6.0}),
        ("room", "hiss", {"rms": 0.01}),
        ("hissy", "hiss", {"rms": 0.01 + (0.1 - 0.01) * 0.5}),
    ]
    assert recipe.severity == 0.5
    assert list(recipe.versions) == ["file"]


def test_the_same_recipe_gives_the_same_bits_and_goes_through_json(planned, only_tones):
    recipe = planned(severity=0.37)
    once = render(SPEECH, recipe, only_tones).audio.samples
    again = render(SPEECH, Recipe.parse(recipe.model_dump_json()), only_tones).audio.samples
    assert np.array_equal(once, again)
    assert Recipe.parse(recipe.model_dump_json()) == recipe
    assert pickle.loads(pickle.dumps(recipe)) == recipe


def test_a_recipe_says_what_merging_dropped_and_an_older_one_that_does_not_is_read(planned):
    recipe = planned(severity=0.5)
    assert [(one.effect, one.step, one.behind) for one in recipe.dropped] == [
        ("hissy", "down", "room"),
        ("hissy", "up", "room"),
    ]
    assert Recipe.parse(recipe.model_dump_json()).dropped == recipe.dropped
    assert planned("room", severity=0.5).dropped == ()
    older = json.loads(recipe.model_dump_json())
    del older["dropped"]
    assert Recipe.parse(json.dumps(older)).dropped == ()
    assert Recipe.parse(json.dumps(older)).steps == recipe.steps


def test_another_seed_or_utterance_draws_anew(planned, only_tones):
    bits = {
        render(SPEECH, planned(severity=0.5, **key), only_tones).audio.samples.tobytes()
        for key in ({}, {"seed": 2}, {"utterance": "other"})
    }
    assert len(bits) == 3


def test_two_noises_of_one_chain_are_not_the_same_noise(only_tones, planned):
    recipe = planned(severity=0.0)
    silence = Audio(np.zeros(4_000, np.float32), 16_000)
    both = render(silence, recipe, only_tones).audio.samples
    one = render(silence, recipe.model_copy(update={"steps": recipe.steps[:2]}), only_tones).audio.samples
    assert abs(np.corrcoef(both - one, one)[0, 1]) < 0.1


def test_a_severity_that_is_not_given_is_drawn_by_the_curve(planned):
    linear, easier = planned(), planned(curve="sqrt-backward")
    assert easier.severity == pytest.approx(linear.severity**2)
    assert planned(utterance="other").severity != linear.severity


@given(seeds=st.lists(st.integers(0, 10_000), min_size=40, max_size=40, unique=True))
def test_drawn_severities_fill_the_unit_interval(seeds):
    drawn = [float(SampleKey(seed, "u").rng("severity").random()) for seed in seeds]
    assert min(drawn) < 0.3
    assert max(drawn) > 0.7


def test_the_input_is_left_as_it_was_and_flags_and_peak_are_reported(planned, only_tones):
    before = SPEECH.samples.copy()
    rendered = render(SPEECH, planned("loud", severity=1.0), only_tones)
    assert np.array_equal(SPEECH.samples, before)
    assert rendered.flags == ("over_full_scale",)
    assert rendered.peak == pytest.approx(100 * np.max(np.abs(before)), rel=1e-5)
    assert render(SPEECH, planned("room", severity=0.0), only_tones).flags == ("hissed",)


def test_a_recipe_for_another_recording_is_refused(planned, only_tones):
    with pytest.raises(RecipeError, match=r"3999 samples at 16000 Hz, but the recipe was planned for 4000"):
        render(SPEECH.cut(0, 3_999), planned(severity=0.5), only_tones)


def test_a_recipe_of_another_revision_is_refused(planned, only_tones):
    recipe = planned(severity=0.5)
    steps = (recipe.steps[0].model_copy(update={"revision": 7}), *recipe.steps[1:])
    with pytest.raises(RecipeError, match="revision 7 of gain, but revision 1 is installed"):
        render(SPEECH, recipe.model_copy(update={"steps": steps}), only_tones)


@pytest.mark.parametrize(
    ("field", "value", "reason"),
    [
        ("schema_version", 2, "schema_version"),
        ("severity", 1.5, "severity"),
        ("extra", 1, "extra"),
        ("steps", 3, "steps"),
    ],
)
def test_what_is_no_recipe_is_refused_in_one_line(planned, field, value, reason):
    data = json.loads(planned(severity=0.5).model_dump_json())
    data[field] = value
    with pytest.raises(RecipeError, match=rf"r\.json: not a recipe of schema 1: {reason}"):
        Recipe.parse(json.dumps(data), "r.json")


def test_a_primitive_that_returns_rubbish_is_named(planned, only_tones, monkeypatch):
    monkeypatch.setattr(only_tones.primitives["gain"], "apply", lambda *_: np.zeros(3))
    with pytest.raises(PluginError, match="output of primitive gain: float32 samples are expected, not float64"):
        render(SPEECH, planned(severity=0.5), only_tones)


def read_only(samples):
    copy = samples.copy()
    copy.flags.writeable = False
    return copy


@pytest.mark.parametrize(
    ("returned", "owned"),
    [(lambda samples: samples, False), (lambda samples: samples[:], False), (read_only, False), (np.copy, True)],
)
def test_only_what_nobody_else_holds_may_be_written_into(planned, only_tones, monkeypatch, returned, owned):
    seen = []

    def note(_, samples, rate, context):
        seen.append(context.owned)
        return samples

    monkeypatch.setattr(only_tones.primitives["gain"], "apply", lambda _, samples, rate, context: returned(samples))
    monkeypatch.setattr(only_tones.primitives["hiss"], "apply", note)
    recipe = planned()
    assert [step.primitive for step in recipe.steps][:2] == ["gain", "hiss"]
    render(SPEECH, recipe, only_tones)
    assert seen[0] is owned


def test_recorded_noise_needs_a_bank(planned):
    with pytest.raises(
        RecipeError, match="primitive sound: needs the bank 'noise' of recorded sounds: give --bank noise=PATH"
    ):
        planned("crowd", severity=0.5)


def test_recorded_noise_replays_from_the_bank(planned, only_tones, bank):
    banks = {"noise": bank}
    recipe = planned("crowd", severity=0.5, banks=banks)
    once = render(SPEECH, recipe, only_tones, banks).audio.samples
    elsewhere = {"noise": pickle.loads(pickle.dumps(bank))}
    again = render(SPEECH, Recipe.parse(recipe.model_dump_json()), only_tones, elsewhere).audio.samples
    assert np.array_equal(once, again)
    assert not np.array_equal(once, SPEECH.samples)


def test_a_noise_file_that_changed_since_is_noticed(planned, only_tones, bank):
    recipe = planned("crowd", severity=0.5, banks={"noise": bank})
    path = bank.root / recipe.steps[0].parameters["sound"]["path"]
    soundfile.write(path, np.zeros(100), 16_000)
    with pytest.raises(RecipeError, match="not the sound that the recipe was planned with"):
        render(SPEECH, recipe, only_tones, {"noise": SoundBank.open(bank.root)})
    path.unlink()
    with pytest.raises(RecipeError, match="cannot be read"):
        render(SPEECH, recipe, only_tones, {"noise": bank})


def test_a_scenario_can_be_composed_on_the_spot(only_tones):
    recipe = plan(Scenario("s", ("hissy", "hall")), SampleKey(0, "u"), only_tones, severity=1.0, **SIZE)
    assert [step.effect for step in recipe.steps] == ["hissy", "hissy", "hissy"]

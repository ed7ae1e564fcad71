"""The 54 scenarios by name, how their chains merge, and a user's own beside them."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from megaasr import Audio, Range, installed_plugins
from megaasr.library.scenarios import find_scenario, open_scenario
from megaasr_core.base.errors import ParameterError, ScenarioError, UnknownNameError
from megaasr_core.base.seeding import SampleKey
from megaasr_core.base.sound_bank import SoundBank
from megaasr_core.contracts.scenario import merge
from megaasr_core.flows.plan import plan
from megaasr_core.flows.render import render
from megaasr_core.testing import speech_like, synthetic_bank
from megaasr_core.testing.signals import snr_db

PLUGINS = installed_plugins()
ANCHORS = ("far_field", "echo_reverb", "obstructed")
SPEECH = Audio(speech_like(), 16_000)

# Written out, not generated: the modifiers stand in the order in which sound meets them.
SINGLE = "far_field echo_reverb obstructed noise recording distortion dropout"
MODIFIER_PAIRS = (
    "noise+recording noise+distortion noise+dropout recording+distortion recording+dropout distortion+dropout"
)
SELECTED_PAIRS = "noise+recording noise+distortion noise+dropout"
MODIFIER_TRIPLES = (
    "noise+recording+distortion noise+recording+dropout noise+distortion+dropout recording+distortion+dropout"
)
ALL_FOUR = "noise+recording+distortion+dropout"


def with_anchors(modifiers: str) -> set[str]:
    return {f"{anchor}+{names}" for anchor in ANCHORS for names in modifiers.split()}


GROUPS = {
    "single": (7, set(SINGLE.split())),
    "two": (18, with_anchors("noise recording distortion dropout") | set(MODIFIER_PAIRS.split())),
    "three": (13, with_anchors(SELECTED_PAIRS) | set(MODIFIER_TRIPLES.split())),
    "higher": (16, with_anchors(MODIFIER_TRIPLES) | {ALL_FOUR} | with_anchors(ALL_FOUR)),
}


@pytest.fixture(scope="module")
def banks(tmp_path_factory):
    return {"noise": synthetic_bank(tmp_path_factory.mktemp("noise"))}


def planned(scenario, severity=0.5, banks=None):
    size = {"num_samples": len(SPEECH.samples), "sample_rate": SPEECH.sample_rate}
    return plan(scenario, SampleKey(1, "utt"), PLUGINS, severity=severity, banks=banks, **size)


def own_scenarios():
    """Those of this distribution: what else is installed beside it is not counted."""
    registry = PLUGINS.scenarios
    return {name: registry[name] for name in registry if registry.owner(name).plugin == "scenarios.voices_in_the_wild"}


@pytest.mark.parametrize("group", GROUPS)
def test_each_group_has_the_papers_count_and_every_member_is_there(group):
    count, names = GROUPS[group]
    assert len(names) == count
    assert names <= set(own_scenarios())


def test_there_are_no_others_and_a_name_spells_its_effects_out():
    scenarios = own_scenarios()
    assert set(scenarios) == set().union(*(names for _, names in GROUPS.values()))
    assert {name: "+".join(one.effects) for name, one in scenarios.items()} == {name: name for name in scenarios}
    assert scenarios["far_field+noise+dropout"].description == "far field and noise and dropout"


@pytest.mark.parametrize("name", [name for _, names in GROUPS.values() for name in sorted(names)])
def test_a_step_that_an_earlier_effect_took_is_not_repeated_and_the_rest_keeps_its_order(name):
    effects = name.split("+")
    expected = []
    for place, effect in enumerate(effects):
        earlier = {one.merge_name for before in effects[:place] for one in PLUGINS.degradations[before].chain}
        own = PLUGINS.degradations[effect].chain
        expected += [
            (effect, one.label) for one in own if one.primitive == "add_noise" or one.merge_name not in earlier
        ]
    merged, dropped = merge(PLUGINS.scenarios[name], PLUGINS.degradations, PLUGINS.stacking)
    assert [(effect, one.label) for effect, one in merged] == expected
    every = [(effect, one.label) for effect in effects for one in PLUGINS.degradations[effect].chain]
    assert [(one.effect, one.step) for one in dropped] == [one for one in every if one not in expected]
    assert [one.primitive for _, one in merged].count("add_noise") == len({"noise", "recording"} & set(effects))


def test_the_longest_chain_is_the_one_reckoned_by_hand():
    merged = merge(PLUGINS.scenarios[f"echo_reverb+{ALL_FOUR}"], PLUGINS.degradations, PLUGINS.stacking).chain
    assert [(effect, one.label) for effect, one in merged] == [
        ("echo_reverb", "add_reverb"),
        ("echo_reverb", "apply_filter"),
        ("echo_reverb", "add_echo"),
        ("echo_reverb", "change_volume"),
        ("noise", "add_noise"),
        ("recording", "add_resample"),
        ("recording", "add_noise"),
        ("distortion", "add_distortion"),
        ("distortion", "change_volume_distortion"),
        ("dropout", "add_stutter_replace"),
    ]


@pytest.mark.parametrize("pair", [(a, b) for a in ANCHORS for b in ANCHORS if a != b])
def test_two_anchors_are_refused(pair):
    with pytest.raises(ScenarioError, match=f"{pair[0]} and {pair[1]} are anchors"):
        find_scenario("+".join((*pair, "noise")), PLUGINS)


def test_another_order_is_another_chain():
    def labels(name):
        scenario = find_scenario(name, PLUGINS)
        return [one.label for _, one in merge(scenario, PLUGINS.degradations, PLUGINS.stacking).chain]

    assert labels("noise+far_field") == ["add_noise", "change_volume", "add_reverb", "apply_filter"]
    assert labels("far_field+noise") == ["add_reverb", "apply_filter", "change_volume", "add_noise"]


@given(severity=st.floats(0, 1))
def test_one_severity_moves_every_number_of_a_composition(severity):
    recipe = planned(PLUGINS.scenarios["far_field+distortion"], severity)
    found = [step.parameters for step in recipe.steps]
    assert found[0]["room_size"] == pytest.approx(0.4 + 0.2 * severity)
    assert found[1]["cutoff_hz"] == pytest.approx(4_500 - 1_000 * severity)
    assert found[2]["target_lufs"] == pytest.approx(-27 - 11 * severity)
    assert found[3]["drive_db"] == pytest.approx(20 + 40 * severity)
    assert found[4]["target_lufs"] == pytest.approx(-27 - 11 * severity)


@pytest.mark.parametrize("severity", [0.0, 0.5, 1.0])
def test_noise_is_set_against_the_sound_that_it_meets(banks, severity):
    recipe = planned(PLUGINS.scenarios["far_field+noise"], severity, banks)
    room = recipe.model_copy(update={"steps": recipe.steps[:-1]})
    distant, noisy = (render(SPEECH, one, PLUGINS, banks).audio.samples for one in (room, recipe))
    assert snr_db(distant, noisy) == pytest.approx(10 - 15 * severity, abs=0.01)


class TestYaml:
    @staticmethod
    def opened(tmp_path, text):
        (tmp_path / "mine.yaml").write_text(text)
        return open_scenario(str(tmp_path / "mine.yaml"), PLUGINS)

    def test_numbers_are_overridden_by_effect_and_step_and_the_others_stay(self, tmp_path):
        text = (
            "name: cellar\n"
            "effects: [obstructed, recording]\n"
            "overrides:\n"
            "  obstructed: {add_reverb: {room_size: [0.7, 0.9]}, change_volume: {target_lufs: -20.0}}\n"
            "  recording: {add_noise: {snr_db: [30.0, 20.0]}}\n"
        )
        scenario = self.opened(tmp_path, text)
        merged = {
            (effect, one.label): one.parameters
            for effect, one in merge(scenario, PLUGINS.degradations, PLUGINS.stacking).chain
        }
        assert merged["obstructed", "add_reverb"]["room_size"] == Range(0.7, 0.9)
        assert merged["obstructed", "add_reverb"]["damping"] == 0.9
        found = {(step.effect, step.primitive): step.parameters for step in planned(scenario, 0.5).steps}
        assert found["obstructed", "add_reverb"]["room_size"] == pytest.approx(0.8)
        assert found["obstructed", "change_volume"]["target_lufs"] == -20.0
        assert found["recording", "add_noise"]["snr_db"] == 25.0
        assert PLUGINS.degradations["obstructed"].chain[1].parameters["room_size"] == 0.4

    def test_one_of_two_equal_steps_is_meant_by_its_label(self, tmp_path):
        text = "name: radio\neffects: [recording]\noverrides: {recording: {lowpass: {cutoff_hz: [3000.0, 2000.0]}}}\n"
        filters = [step.parameters for step in planned(self.opened(tmp_path, text), 1.0).steps[2:4]]
        assert [(one["type"], one["cutoff_hz"]) for one in filters] == [("highpass", 600.0), ("lowpass", 2_000.0)]

    def test_white_noise_needs_no_bank(self, tmp_path):
        text = "name: hiss\neffects: [noise]\noverrides: {noise: {add_noise: {source: white}}}\n"
        rendered = render(SPEECH, planned(self.opened(tmp_path, text)), PLUGINS)
        assert np.isfinite(rendered.audio.samples).all()
        assert not np.array_equal(rendered.audio.samples, SPEECH.samples)

    def test_a_category_of_noise_can_be_asked_for(self, tmp_path, banks):
        bank: SoundBank = banks["noise"]
        for category in bank.categories:
            text = f"name: c\neffects: [noise]\noverrides: {{noise: {{add_noise: {{category: {category}}}}}}}\n"
            step = planned(self.opened(tmp_path, text), banks=banks).steps[0]
            assert step.parameters["noise"]["path"].startswith(f"{category}/")

    @pytest.mark.parametrize(
        ("overrides", "error", "reason"),
        [
            ("{recording: {apply_filter: {cutoff_hz: 1.0}}}", UnknownNameError, "known: .*highpass, lowpass"),
            ("{recording: {add_reverb: {room_size: 0.1}}}", UnknownNameError, "unknown step of recording"),
            (
                "{far_field: {change_volume: {target_lufs: 1.0}}}",
                ParameterError,
                "target_lufs = 1.0: .* less than or equal",
            ),
            ("{far_field: {add_reverb: {romm_size: 0.5}}}", ParameterError, "did you mean 'room_size'"),
            ("{recording: {highpass: {cutoff_hz: 1.0}}}", ScenarioError, "has no effect"),
        ],
    )
    def test_a_wrong_override_is_one_line(self, tmp_path, overrides, error, reason):
        text = f"name: wrong\neffects: [far_field, recording]\noverrides: {overrides}\n"
        with pytest.raises(error, match=reason) as caught:
            planned(self.opened(tmp_path, text))
        assert "\n" not in str(caught.value)

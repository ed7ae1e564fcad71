import pytest
from hypothesis import given
from hypothesis import strategies as st

from megaasr import Choice, Degradation, Range, Role, Scenario, step
from megaasr_core.base.errors import ManifestError, ParameterError, ScenarioError, UnknownNameError
from megaasr_core.contracts.scenario import merge, scenario_from
from megaasr_core.flows.plan import find_scenario
from megaasr_core.flows.scenario_files import open_scenario, read_scenario

PRIMITIVES = ("a", "b", "c", "stacking")
EFFECTS = st.lists(st.lists(st.sampled_from(PRIMITIVES), min_size=1, max_size=4).map(tuple), min_size=1, max_size=4)


def effect(name, primitives):
    chain = tuple(step(primitive, label=f"{primitive}{place}") for place, primitive in enumerate(primitives))
    chain = tuple(type(one)(one.primitive, one.parameters, one.label, one.primitive) for one in chain)
    return Degradation(name, Role.MODIFIER, chain)


@given(EFFECTS)
def test_merging_keeps_order_drops_what_an_earlier_effect_used_and_keeps_repeats_and_noise(chains):
    degradations = {f"e{index}": effect(f"e{index}", chain) for index, chain in enumerate(chains)}
    merged = merge(Scenario("s", tuple(degradations)), degradations, {"stacking": True})
    expected = []
    for index, chain in enumerate(chains):
        earlier = {primitive for chain_before in chains[:index] for primitive in chain_before}
        expected += [(f"e{index}", p) for p in chain if p == "stacking" or p not in earlier]
    assert [(name, one.primitive) for name, one in merged] == expected


def chain_of(name, plugins):
    return [one.label for _, one in merge(find_scenario(name, plugins), plugins.degradations, plugins.stacking)]


def test_a_step_of_an_earlier_effect_is_not_repeated_but_noise_is(only_tones):
    assert chain_of("room+hissy", only_tones) == ["gain", "hiss", "hiss"]
    assert chain_of("hissy+room", only_tones) == ["hiss", "down", "up", "hiss"]
    assert chain_of("room+loud", only_tones) == ["gain", "hiss", "loudness"]


@pytest.mark.parametrize(
    ("name", "error", "reason"),
    [
        ("room+hall", ScenarioError, "room and hall are anchors .* keep one"),
        ("room+room", ScenarioError, "named twice"),
        ("room+hisy", UnknownNameError, "did you mean 'hissy'"),
        ("hall+hisy", UnknownNameError, "did you mean 'hissy'"),
        ("rooom", UnknownNameError, "unknown scenario 'rooom'"),
    ],
)
def test_what_cannot_be_composed_is_refused_with_the_reason(only_tones, name, error, reason):
    with pytest.raises(error, match=reason):
        find_scenario(name, only_tones)


def test_a_single_effect_is_a_scenario_too(only_tones):
    assert find_scenario("loud", only_tones).effects == ("loud",)


YAML = """
name: mine
description: a hissy hall
effects: [hall, hissy]
overrides:
  hall: {gain: {gain_db: [-1.0, -2.0]}}
  hissy: {hiss: {rms: 0.5}}
"""


def test_a_users_yaml_overrides_ranges(tmp_path, only_tones):
    (tmp_path / "mine.yaml").write_text(YAML)
    scenario = open_scenario(str(tmp_path / "mine.yaml"), only_tones)
    merged = merge(scenario, only_tones.degradations, only_tones.stacking)
    assert merged[0][1].parameters["gain_db"] == Range(-1.0, -2.0)
    assert merged[1][1].at(1.0) == {"rms": 0.5}
    assert scenario.description == "a hissy hall"


@pytest.mark.parametrize(
    ("change", "error", "reason"),
    [
        (("name: mine", "title: mine"), ScenarioError, "name: Field required"),
        (("name: mine", "name: mine\ncolour: red"), ScenarioError, "colour: Extra inputs"),
        (("[hall, hissy]", "[]"), ScenarioError, "effects"),
        (("[hall, hissy]", "[hall, room]"), ScenarioError, "anchors"),
        (("[hall, hissy]", "[hall, hisy]"), UnknownNameError, "did you mean 'hissy'"),
        (("hall: {gain:", "hall: {gan:"), UnknownNameError, "did you mean 'gain'"),
        (("hissy: {hiss", "room: {hiss"), UnknownNameError, "unknown effect in the overrides"),
        (("hissy: {hiss: {rms", "hissy: {up: {gain_db"), ScenarioError, "has no effect"),
        (("[-1.0, -2.0]", "{a: 1}"), ScenarioError, "overrides.hall.gain.gain_db"),
        (("[-1.0, -2.0]", "[-1.0, -99.0]"), ParameterError, r"mine\.yaml: .*step gain, severity 1: .*gain_db = -99"),
        (("name: mine", "name: [mine"), ScenarioError, "not YAML"),
    ],
)
def test_a_wrong_yaml_is_one_line_that_says_where(tmp_path, only_tones, change, error, reason):
    assert change[0] in YAML
    path = tmp_path / "mine.yaml"
    path.write_text(YAML.replace(*change))
    with pytest.raises(error, match=reason) as caught:
        read_scenario(path, only_tones)
    assert "\n" not in str(caught.value)


def test_a_missing_yaml_is_one_line(tmp_path, only_tones):
    with pytest.raises(ManifestError, match="No such file"):
        open_scenario(str(tmp_path / "none.yaml"), only_tones)


def test_a_list_of_names_is_a_choice():
    data = {"name": "x", "effects": ["e"], "overrides": {"e": {"s": {"codec": ["opus", "gsm", "amr"]}}}}
    assert scenario_from(data, "here").overrides["e"]["s"]["codec"] == Choice(("opus", "gsm", "amr"))


def test_a_degradation_needs_steps_with_labels_of_their_own():
    with pytest.raises(ScenarioError, match="chain is empty"):
        Degradation("d", Role.ANCHOR, ())
    with pytest.raises(ScenarioError, match="two steps are called 'gain'"):
        Degradation("d", Role.ANCHOR, (step("gain", gain_db=1.0), step("gain", gain_db=2.0)))

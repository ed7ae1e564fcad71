import pytest
from hypothesis import given
from hypothesis import strategies as st

from megaasr import Choice, Degradation, DroppedStep, Range, Role, Scenario, load_plugins, step
from megaasr.library.scenarios import find_scenario, open_scenario, read_scenario
from megaasr_core.base.errors import ManifestError, ParameterError, PluginError, ScenarioError, UnknownNameError
from megaasr_core.contracts.scenario import merge, scenario_from
from tests.core.conftest import TONES

PRIMITIVES = ("a", "b", "c", "stacking")
EFFECTS = st.lists(st.lists(st.sampled_from(PRIMITIVES), min_size=1, max_size=4).map(tuple), min_size=1, max_size=4)


def effect(name, primitives, merges=lambda primitive: True):
    return Degradation(
        name,
        Role.MODIFIER,
        tuple(
            step(primitive, label=f"{primitive}{place}", merge_name=primitive if merges(primitive) else None)
            for place, primitive in enumerate(primitives)
        ),
    )


@given(EFFECTS)
def test_merging_keeps_order_drops_what_an_earlier_effect_used_and_keeps_repeats_and_noise(chains):
    degradations = {f"e{index}": effect(f"e{index}", chain) for index, chain in enumerate(chains)}
    merged, dropped = merge(Scenario("s", tuple(degradations)), degradations, {"stacking": True})
    expected, lost = [], []
    for index, chain in enumerate(chains):
        first = {p: place for place, before in reversed(list(enumerate(chains[:index]))) for p in before}
        expected += [(f"e{index}", p) for p in chain if p == "stacking" or p not in first]
        lost += [(f"e{index}", p, f"e{first[p]}") for p in chain if p != "stacking" and p in first]
    assert [(name, one.primitive) for name, one in merged] == expected
    assert [(one.effect, one.merge_name, one.behind) for one in dropped] == lost


@given(EFFECTS)
def test_a_step_that_does_not_ask_to_merge_is_kept_and_hides_no_other(chains):
    names = [f"e{index}" for index in range(len(chains))]
    asks = {name: index % 2 == 1 for index, name in enumerate(names)}
    degradations = {
        name: effect(name, chain, lambda _, asked=asks[name]: asked) for name, chain in zip(names, chains, strict=True)
    }
    merged, dropped = merge(Scenario("s", tuple(names)), degradations, {})
    for name, chain in zip(names, chains, strict=True):
        if not asks[name]:
            assert [one.primitive for effect_name, one in merged if effect_name == name] == list(chain)
    asking = [name for name in names if asks[name]]
    alone = merge(Scenario("s", tuple(asking)), degradations, {}) if asking else ((), ())
    assert [row for row in merged if asks[row[0]]] == list(alone[0])
    assert dropped == tuple(alone[1])


def chain_of(name, plugins):
    return [one.label for _, one in merge(find_scenario(name, plugins), plugins.degradations, plugins.stacking).chain]


def test_a_step_of_an_earlier_effect_is_not_repeated_but_noise_is(only_tones):
    assert chain_of("room+hissy", only_tones) == ["gain", "hiss", "hiss"]
    assert chain_of("hissy+room", only_tones) == ["hiss", "down", "up", "hiss"]
    assert chain_of("room+loud", only_tones) == ["gain", "hiss", "loudness"]


def test_a_dropped_step_is_named_with_what_stands_for_it(only_tones):
    dropped = merge(find_scenario("room+hissy", only_tones), only_tones.degradations, only_tones.stacking).dropped
    assert dropped == tuple(
        DroppedStep(effect="hissy", step=label, merge_name="gain", behind="room") for label in ("down", "up")
    )
    assert str(dropped[0]) == "step down of hissy is dropped: merges with gain of room"


def test_the_label_of_a_step_is_its_primitive_unless_it_is_given():
    assert step("gain").label == step("gain", merge_name="loudness").label == "gain"
    assert step("gain", label="up").merge_name is None


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
    chain = merge(scenario, only_tones.degradations, only_tones.stacking).chain
    assert chain[0][1].parameters["gain_db"] == Range(-1.0, -2.0)
    assert chain[1][1].at(1.0, only_tones.primitives["hiss"]) == {"rms": 0.5}
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
        (("[-1.0, -2.0]", "[-1.0, -2.0, -3.0]"), ScenarioError, r"gain_db = \[-1.0, -2.0, -3.0\]: .*{choice: \["),
        (("name: mine", "name: ../x"), ScenarioError, r"mine\.yaml: scenario '\.\./x' is not a name"),
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


def overriding(value):
    data = {"name": "x", "effects": ["e"], "overrides": {"e": {"s": {"p": value}}}}
    return scenario_from(data, "here").overrides["e"]["s"]["p"]


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        (3, 3),
        (2.5, 2.5),
        ("opus", "opus"),
        ([15, 0], Range(15, 0)),
        ({"range": [15, 0]}, Range(15, 0)),
        ({"choice": [1, 2, 4]}, Choice((1, 2, 4))),
        ({"choice": [1, 2]}, Choice((1, 2))),
        ({"choice": ["opus", "gsm", "amr"]}, Choice(("opus", "gsm", "amr"))),
    ],
)
def test_fixed_range_and_choice_are_three_forms(written, meant):
    assert overriding(written) == meant
    assert type(overriding(written)) is type(meant)


@pytest.mark.parametrize(
    "written",
    [
        [1],
        [1, 2, 3],
        [],
        ["opus", "gsm"],
        ["opus", "gsm", "amr"],
        [True, False],
        [1, [2]],
        [0.0, float("inf")],
        {"range": [1, 2, 3]},
        {"range": 3},
        {"choice": []},
        {"choice": "opus"},
        {"choice": [None]},
        {"range": [0, 1], "choice": [0, 1]},
        {"chioce": [1, 2]},
        {},
        None,
    ],
)
def test_what_is_none_of_the_three_is_refused_and_the_forms_are_named(written):
    with pytest.raises(ScenarioError) as caught:
        overriding(written)
    line = str(caught.value)
    assert line.startswith(f"here: overrides.e.s.p = {written!r}: ")
    assert "a range [easy, hard] or {range: [easy, hard]}, or a choice {choice: [easy, ..., hard]}" in line
    assert "\n" not in line


WRONG_NAMES = (
    "all",
    "a,b",
    "../x",
    " ",
    "",
    "a/b",
    "a\\b",
    ".",
    "..",
    ".x",
    "-x",
    "+x",
    "a b",
    "x\n",
    "é",
    "x.yaml",
    "x.yml",
)


@pytest.mark.parametrize("name", WRONG_NAMES)
def test_a_name_that_could_mean_something_else_is_refused_in_one_line(name):
    for refused in (
        lambda: Scenario(name, ("e",)),
        lambda: Degradation(name, Role.ANCHOR, (step("gain"),)),
        lambda: scenario_from({"name": name, "effects": ["e"]}, "here"),
    ):
        with pytest.raises(ScenarioError, match="choose another name") as caught:
            refused()
        assert "\n" not in str(caught.value)
        assert repr(name) in str(caught.value)


def test_names_of_letters_digits_and_signs_are_taken_and_plus_is_for_scenarios():
    for name in ("far_field", "Room-2.1", "_x", "2024"):
        assert Scenario(name, ("e",)).name == Degradation(name, Role.ANCHOR, (step("gain"),)).name == name
    assert Scenario("a+b", ("a", "b")).name == "a+b"
    with pytest.raises(ScenarioError, match=r"degradation 'a\+b' .*\+ joins the effects"):
        Degradation("a+b", Role.ANCHOR, (step("gain"),))


@pytest.mark.parametrize(
    "what", ["Scenario('all', ('room',))", "Degradation('a,b', Role.ANCHOR, (step('gain', gain_db=1),))"]
)
def test_a_plugin_with_such_a_name_is_a_failed_row(tmp_path, only_tones, what):
    kind = "scenarios" if what.startswith("Scenario") else "degradations"
    path = tmp_path / "extra.py"
    path.write_text(
        "from megaasr import Degradation, Role, Scenario, hookimpl, step\n\n\n"
        f"@hookimpl\ndef register_{kind}(register):\n    register({what})\n"
    )
    with pytest.raises(PluginError, match="choose another name"):
        load_plugins([TONES, str(path)])


def test_spaces_around_the_plus_are_not_part_of_the_name(only_tones):
    assert find_scenario("room + loud", only_tones) == find_scenario("room+loud", only_tones)
    assert find_scenario("room + loud", only_tones).name == "room+loud"
    assert find_scenario(" room+hissy", only_tones) is only_tones.scenarios["room+hissy"]


def test_a_degradation_needs_steps_with_labels_of_their_own():
    with pytest.raises(ScenarioError, match="chain is empty"):
        Degradation("d", Role.ANCHOR, ())
    with pytest.raises(ScenarioError, match="two steps are called 'gain'"):
        Degradation("d", Role.ANCHOR, (step("gain", gain_db=1.0), step("gain", gain_db=2.0)))

"""What the kit checks: names by pattern, all that a file registers, and what YAML files compose."""

from __future__ import annotations

import pytest

from megaasr_core.testing import cases, failures


def specs(chosen) -> list[str]:
    return list(dict.fromkeys(case.spec for case in chosen))


def test_a_pattern_selects_names_and_kinds(two_files):
    assert specs(cases("reward:kit_*", two_files)) == ["reward:kit_length", "reward:kit_other", "reward:kit_too_long"]
    assert specs(cases("*:kit_t*", two_files)) == ["degradation:kit_thin", "reward:kit_too_long"]
    (line,) = failures(cases("reward:kat_*", two_files)).values()
    assert "'reward:kat_*' matches no plugin; there are: " in line
    assert "kit_length" in line


def test_a_plugin_file_alone_selects_all_that_it_registers(two_files):
    assert specs(cases(extra=two_files[:1])) == ["reward:kit_length", "reward:kit_too_long"]
    assert specs(cases(extra=two_files[1:])) == ["degradation:kit_thin", "reward:kit_other"]
    failed = failures(cases(extra=two_files[:1]))
    assert list(failed) == ["reward:kit_too_long::scores_are_within_bounds"]


def test_nothing_to_select_is_one_failing_check(tmp_path):
    text = "from megaasr import hookimpl\n@hookimpl\ndef register_rewards(register):\n    pass\n"
    (tmp_path / "empty.py").write_text(text, encoding="utf-8")
    (line,) = failures(cases(extra=[tmp_path / "empty.py"])).values()
    assert "empty.py registers nothing that can be checked; call register(...) in its hooks" in line
    (line,) = failures(cases()).values()
    assert "name a plugin as KIND:NAME" in line


def test_scenarios_and_rewards_of_yaml_files_are_checked(two_files, tmp_path):
    scenario = cases(f"scenario:{tmp_path}/scenario.yaml", two_files)
    assert {"resolves_at_every_severity", "every_effect_is_heard"} <= {case.name for case in scenario}
    assert failures(scenario) == {}
    reward = cases(f"reward:{tmp_path}/reward.yaml", two_files)
    assert {"one_score_per_sample", "totals_are_finite", "is_order_invariant"} <= {case.name for case in reward}
    assert failures(reward) == {}


@pytest.mark.parametrize(
    ("spec", "text", "says"),
    [
        (
            "scenario:{}/wrong.yaml",
            "name: a\neffects: [noise, far_feild]\n",
            "unknown effect in scenario a: 'far_feild'",
        ),
        ("reward:{}/wrong.yaml", "terms: [{name: no_such_reward}]\n", "unknown reward 'no_such_reward'"),
        ("reward:{}/missing.yaml", "", "missing.yaml"),
        ("router:{}/wrong.yaml", "", "a router is not written as YAML; only scenario and reward are"),
    ],
)
def test_a_wrong_yaml_file_is_one_failing_check(spec, text, says, tmp_path):
    (tmp_path / "wrong.yaml").write_text(text, encoding="utf-8")
    (line,) = failures(cases(spec.format(tmp_path))).values()
    assert says in line
    assert "\n" not in line


def test_a_composed_reward_that_ranks_wrong_is_caught(two_files, tmp_path):
    (tmp_path / "reward.yaml").write_text("terms: [{name: wer_accuracy, weight: -1.0}]\n", encoding="utf-8")
    failed = failures(cases(f"reward:{tmp_path}/reward.yaml", two_files))
    assert list(failed) == ["perfect_is_not_worse"]


def test_the_options_select_in_the_same_way(run_pytest, two_files, tmp_path):
    options = ["--megaasr-plugin", two_files[0], "--megaasr-plugin", two_files[1]]
    _, outcomes = run_pytest(*options, "-k", "docstring_has_an_example")
    assert set(outcomes.of) == {
        f"reward:{name}::docstring_has_an_example" for name in ("kit_length", "kit_other", "kit_too_long")
    }
    wanted = ["--megaasr", "reward:kit_*h", "--megaasr", f"scenario:{tmp_path}/scenario.yaml"]
    code, outcomes = run_pytest(*options, *wanted, "--megaasr", "reward:kit_length", "-k", "example or every_effect")
    assert code == 0
    assert outcomes.of == {
        "reward:kit_length::docstring_has_an_example": "passed",
        f"scenario:{tmp_path}/scenario.yaml::every_effect_is_heard": "passed",
    }


def test_several_plugins_in_one_decorator_have_names_of_their_own(two_files):
    from megaasr_core.testing import conformance

    names = [parameter.id for parameter in conformance("reward:kit_*", two_files).args[1]]
    assert "reward:kit_other::one_score_per_sample" in names
    assert len(set(names)) == len(names)

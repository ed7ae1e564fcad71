"""The kit's doors: the decorator in a test file, ``pytest --megaasr`` without one, and one clear line from both."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from megaasr import Primitive
from megaasr_core.base.errors import PluginError, UnknownNameError
from megaasr_core.testing import cases, essential, failures, plugins_of, synthetic_bank
from megaasr_core.testing.case import cases_of
from megaasr_core.testing.plugin_under_test import loaded
from megaasr_core.testing.selection import find

GOOD = '''
"""A plugin."""
from megaasr import Reward, hookimpl

class Length(Reward):
    """Whether anything was said.

    >>> Length().name
    'kit_length'
    """
    name = "kit_length"

    def score(self, batch):
        return [float(bool(sample.hypothesis)) if sample.reference else None for sample in batch]

class TooLong(Length):
    """Breaks its bounds.

    >>> 1
    1
    """
    name = "kit_too_long"

    def score(self, batch):
        return [float(len(sample.hypothesis)) if sample.hypothesis == sample.reference else 0.0 for sample in batch]

@hookimpl
def register_rewards(register):
    register(Length)
    register(TooLong)
'''


@pytest.fixture
def plugin_file(tmp_path) -> Path:
    path = tmp_path / "kit_rewards.py"
    path.write_text(GOOD, encoding="utf-8")
    return path


class Echo(Primitive):
    """Needs one bank of two sounds."""

    name = "kit_echo"
    banks = ("own",)

    def apply(self, samples, sample_rate, context):
        (sounds,) = context.banks.values()
        assert len(sounds) == 2
        return samples


class Outcomes:
    """Collects what an inner run of pytest reports."""

    def __init__(self) -> None:
        self.of: dict[str, str] = {}
        self.text: dict[str, str] = {}

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.when == "call" or report.failed:
            self.of[report.nodeid] = report.outcome
            self.text[report.nodeid] = report.longreprtext if report.failed else str(report.longrepr)


@pytest.fixture
def run_pytest(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "pytest.ini").write_text("[pytest]\nfilterwarnings = error\n", encoding="utf-8")

    def run(*arguments: object) -> tuple[int, Outcomes]:
        outcomes = Outcomes()
        off = ("cacheprovider", "randomly", "faulthandler", "unraisableexception", "threadexception", "logging")
        options = [part for name in off for part in ("-p", f"no:{name}")]
        code = pytest.main([*options, "-s", "-q", *map(str, arguments)], plugins=[outcomes])
        return int(code), outcomes

    return run


def test_decorator_gives_one_test_a_check(run_pytest, plugin_file, tmp_path):
    test_file = tmp_path / "test_own.py"
    test_file.write_text(
        "from megaasr_core.testing import conformance\n"
        f"@conformance('reward:kit_length', extra=[{str(plugin_file)!r}])\n"
        "def test_good(check):\n    check()\n"
        f"@conformance('reward:kit_too_long', extra=[{str(plugin_file)!r}])\n"
        "def test_bad(check):\n    check()\n",
        encoding="utf-8",
    )
    code, outcomes = run_pytest(test_file)
    assert code == 1
    assert outcomes.of["test_own.py::test_good[is_order_invariant]"] == "passed"
    failed = [node for node, outcome in outcomes.of.items() if outcome == "failed"]
    assert failed == ["test_own.py::test_bad[scores_are_within_bounds]"]
    text = outcomes.text[failed[0]]
    assert "E       AssertionError: reward kit_too_long: score 43.0 of hypothesis" in text
    assert "checks_reward.py" not in text, "the kit's own frames are of no use to the reader"


def test_option_without_a_test_file(run_pytest, plugin_file, tmp_path):
    (tmp_path / "test_other.py").write_text("def test_other(): pass\n", encoding="utf-8")
    code, outcomes = run_pytest("--megaasr", "reward:kit_length", "--megaasr-plugin", plugin_file)
    names = [case.name for case in cases("reward:kit_length", [plugin_file])]
    assert code == 0
    assert outcomes.of == {f"reward:kit_length::{name}": "passed" for name in names}


def test_option_beside_a_path_and_a_filter(run_pytest, plugin_file, tmp_path):
    (tmp_path / "test_other.py").write_text("def test_other(): pass\n", encoding="utf-8")
    arguments = ("test_other.py", "--megaasr", "reward:kit_too_long", "--megaasr-plugin", plugin_file)
    code, outcomes = run_pytest(*arguments, "-k", "test_other or within_bounds")
    assert code == 1
    assert outcomes.of == {
        "test_other.py::test_other": "passed",
        "reward:kit_too_long::scores_are_within_bounds": "failed",
    }
    line = outcomes.text["reward:kit_too_long::scores_are_within_bounds"]
    assert "AssertionError: reward kit_too_long: score 43.0 of hypothesis" in line
    assert "checks_reward.py" not in line


def test_several_plugins_each_once(run_pytest, plugin_file):
    specs = ("--megaasr", "reward:kit_length", "--megaasr", "reward:nothing", "--megaasr", "reward:kit_length")
    code, outcomes = run_pytest(*specs, "--megaasr-plugin", plugin_file, "-k", "docstring_has or can_be_checked")
    assert code == 1
    assert outcomes.of == {
        "reward:kit_length::docstring_has_an_example": "passed",
        "reward:nothing::can_be_checked": "failed",
    }


def test_the_installed_entry_point_adds_the_option(plugin_file):
    command = [sys.executable, "-m", "pytest", "-q", "--megaasr", "reward:kit_length"]
    command += ["--megaasr-plugin", plugin_file.name, "-p", "no:cacheprovider"]
    done = subprocess.run(command, cwd=plugin_file.parent, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"{len(cases('reward:kit_length', [plugin_file]))} passed" in done.stdout


def test_the_pytest_plugin_imports_nothing():
    watched = ("numpy", "pydantic", "pluggy", "torch", "pytest", "megaasr_core.base", "megaasr_core.contracts")
    code = f"import sys, megaasr_core.testing.pytest_plugin; print([m for m in {watched!r} if m in sys.modules])"
    done = subprocess.run([sys.executable, "-S", "-c", code], cwd=_root(), capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def _root() -> Path:
    import megaasr_core

    return Path(megaasr_core.__file__).parents[1]


@pytest.mark.parametrize(
    ("spec", "says"),
    [
        ("reward:kit_lenght", "unknown reward 'kit_lenght': did you mean 'kit_length'?"),
        ("rewards:kit_length", "unknown kind of plugin 'rewards': did you mean 'reward'?"),
        ("kit_length", "'kit_length' names no plugin; write KIND:NAME"),
        ("reward:", "'reward:' names no plugin"),
    ],
)
def test_what_is_not_there_is_one_failing_check(spec, says, plugin_file):
    (case,) = cases(spec, [plugin_file])
    assert case.name == "can_be_checked"
    with pytest.raises(AssertionError) as caught:
        case()
    assert says in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_broken_plugin_file_is_one_failing_check(tmp_path):
    (tmp_path / "broken.py").write_text("import no_such_module\n", encoding="utf-8")
    for target, says in (("broken.py", "no_such_module"), ("missing.py", "no such file")):
        (line,) = failures(cases("reward:kit_length", [tmp_path / target])).values()
        assert says in line


def test_a_plugin_that_failed_is_named():
    plugins = plugins_of()
    from megaasr_core.discovery.registry import Owner

    plugins.fail(Owner("reward.own", "own-package", "1.0"), ValueError("no such luck"))
    with pytest.raises(PluginError, match=r"not loaded: reward\.own \(own-package 1\.0\): ValueError: no such luck"):
        find("reward:own", plugins)
    with pytest.raises(UnknownNameError):
        find("rewards:own", plugins)


def test_files_are_loaded_once(plugin_file):
    assert loaded([plugin_file]) is loaded([str(plugin_file)])


def test_banks_may_be_folders(tmp_path):
    synthetic_bank(tmp_path)
    plugins = plugins_of(Echo)
    assert failures(cases("primitive:kit_echo", plugins=plugins, banks={"own": tmp_path})) == {}
    (line,) = failures(cases("primitive:kit_echo", plugins=plugins, banks={"own": tmp_path / "none"})).values()
    assert "none" in line
    (case,) = (one for one in cases("primitive:kit_echo", plugins=plugins, banks={}) if one.name == "output_is_valid")
    with pytest.raises(AssertionError, match="ValueError on speech"):
        case()
    case(banks={"own": tmp_path})


def test_what_a_check_does_not_foresee_is_still_one_line():
    from megaasr_core.testing import Case

    def check(subject: object) -> None:
        raise RuntimeError("first\nsecond")

    with pytest.raises(AssertionError, match=r"^reward x: RuntimeError: first second$"):
        Case("reward:x", "check", check, None)()


def test_things_that_cannot_be_registered():
    class Nameless:
        kind = "reward"

    with pytest.raises(PluginError, match="is of no kind of plugin"):
        plugins_of(Nameless)


def test_unknown_attribute():
    import megaasr_core.testing

    with pytest.raises(AttributeError, match="has no attribute 'conformence'"):
        megaasr_core.testing.conformence  # noqa: B018


def test_two_plugin_files_of_one_name_can_both_be_pickled(tmp_path):
    chosen = []
    for folder in ("first", "second"):
        (tmp_path / folder).mkdir()
        path = tmp_path / folder / "rewards.py"
        path.write_text(GOOD.replace("kit_", f"{folder}_"), encoding="utf-8")
        chosen.append(path)
    for folder in ("first", "second"):
        assert failures(cases(f"reward:{folder}_length", chosen)) == {}


SEVERAL = """
from megaasr import Degradation, Role, hookimpl, step, Range
from kit_rewards import Length

class Other(Length):
    \"\"\"Another.

    >>> 1
    1
    \"\"\"
    name = "kit_other"

@hookimpl
def register_rewards(register):
    register(Other)

@hookimpl
def register_degradations(register):
    register(Degradation("kit_thin", Role.MODIFIER, (step("add_distortion", drive_db=Range(1.0, 9.0)),), "Thin."))
"""
SCENARIO = """
name: kit_far_call
effects: [noise, kit_thin]
overrides:
  noise: {add_noise: {snr_db: [15.0, 0.0]}}
"""
COMPOSED = """
terms:
  - {name: kit_length, weight: 0.5}
  - {name: wer_accuracy, weight: 1.0}
"""


@pytest.fixture
def two_files(plugin_file, tmp_path) -> list[Path]:
    second = tmp_path / "kit_more.py"
    second.write_text(SEVERAL.replace("from kit_rewards import Length", GOOD.partition("class TooLong")[0]), "utf-8")
    second.write_text(second.read_text("utf-8").replace('name = "kit_length"', 'name = "kit_base"'), "utf-8")
    (tmp_path / "scenario.yaml").write_text(SCENARIO, encoding="utf-8")
    (tmp_path / "reward.yaml").write_text(COMPOSED, encoding="utf-8")
    return [plugin_file, second]


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


def test_checks_behind_a_failing_essential_one_are_skipped_in_any_order(run_pytest, plugin_file):
    arguments = ("--megaasr", "reward:kit_too_long", "--megaasr-plugin", plugin_file)
    code, outcomes = run_pytest(*arguments, "-k", "is_order_invariant or can_be_pickled")
    assert code == 0, "the essential check is not part of this run, and fails where it is"
    assert set(outcomes.of.values()) == {"skipped"}
    _, outcomes = run_pytest(*arguments)
    assert [name for name, outcome in outcomes.of.items() if outcome == "failed"] == [
        "reward:kit_too_long::scores_are_within_bounds"
    ]
    skipped = outcomes.text["reward:kit_too_long::is_order_invariant"]
    assert "reward kit_too_long: not checked, since scores_are_within_bounds fails" in skipped
    chosen = cases("reward:kit_too_long", [plugin_file])
    assert list(failures(reversed(chosen))) == ["scores_are_within_bounds"]


def test_an_essential_check_is_run_once_for_all():
    calls = []

    @essential
    def first(subject: object) -> None:
        calls.append(subject)

    def second(subject: object) -> None:
        assert calls

    chosen = cases_of("reward:x", [first, second], None)
    for case in (chosen[1], chosen[1], chosen[0]):
        case()
    assert calls == [None]


@pytest.mark.parametrize("line", ["raise SystemExit(3)", "return subject.thing.no_such_attribute", "return [1]"])
def test_a_list_of_checks_that_cannot_be_made_is_one_failing_check(line, tmp_path):
    """As of a kind whose checks look at what a plugin lacks: collection goes on."""
    name = f"kit_kind_{abs(hash(line))}"
    (tmp_path / f"{name}.py").write_text(
        "from megaasr import Kind, Unit, hookimpl\n"
        "class Thing(Unit):\n    name = 'thing'\n"
        f"def checks(subject):\n    {line}\n"
        "@hookimpl\ndef register_kinds(register):\n"
        "    register(Kind('thing', Thing, 200, 'A thing.', checks=f'{__name__}:checks'))\n"
        "@hookimpl\ndef register_things(register):\n    register(Thing)\n",
        encoding="utf-8",
    )
    (case,) = cases("thing:*", [tmp_path / f"{name}.py"])
    assert repr(case) == "thing:thing::can_be_checked"
    with pytest.raises(AssertionError, match="thing thing: the list of checks cannot be made: "):
        case()

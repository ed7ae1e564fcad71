"""The kit's doors: the decorator in a test file, ``pytest --megaasr`` without one, and one clear line from both."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from megaasr import Primitive
from megaasr_core.base.errors import PluginError, UnknownNameError
from megaasr_core.testing import cases, failures, plugins_of, synthetic_bank
from megaasr_core.testing.plugin_under_test import loaded
from megaasr_core.testing.selection import find
from tests.core.kit_fixtures import GOOD


class Echo(Primitive):
    """Needs one bank of two sounds."""

    name = "kit_echo"
    banks = ("own",)

    def apply(self, samples, sample_rate, context):
        (sounds,) = context.banks.values()
        assert len(sounds) == 2
        return samples


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

"""Essential checks, behind which others are skipped, and a kind whose list of checks cannot be made."""

from __future__ import annotations

import pytest

from megaasr_core.testing import cases, essential, failures
from megaasr_core.testing.case import cases_of


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

"""The guard for every later change: on no slice may a system be worse than its base with 95 % confidence."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

PERCENT = 100.0
MOST_NAMED = 12
"""Slices without a verdict that are named; the others are counted."""


@dataclass(frozen=True)
class Verdict:
    """What a paired comparison says of every slice.

    Args:
        checked: slices of two utterances or more.
        worse: slices whose interval of the difference lies above zero, each with its figures in words.
        unchecked: slices of one utterance, which has no interval.
        left_out: utterances that failed in either run, of which nothing is known.
    """

    checked: int
    worse: dict[str, str]
    unchecked: tuple[str, ...]
    left_out: int = 0

    @property
    def passed(self) -> bool:
        """Whether slices were checked and none is worse; a guard that saw nothing does not pass."""
        return self.checked > 0 and not self.worse

    def lines(self, base: str) -> list[str]:
        """What to say of it: a line for each worse slice, else one with the number of slices checked.

        Args:
            base: how to call the base.
        """
        if self.worse:
            return [f"worse than {base}: {name}: {figures}" for name, figures in self.worse.items()]
        named = ", ".join(self.unchecked[:MOST_NAMED])
        more = f" and {len(self.unchecked) - MOST_NAMED} more" if len(self.unchecked) > MOST_NAMED else ""
        left = f"; unchecked, of one utterance: {named}{more}" if self.unchecked else ""
        left += f"; utterances that failed in either, left out: {self.left_out}" if self.left_out else ""
        if not self.checked:
            return [f"no slice could be compared with {base}{left or '; no utterance was scored in both'}"]
        return [f"not worse than {base} with 95 % confidence on any of {self.checked} slices checked{left}"]

    def as_json(self) -> dict[str, Any]:
        """For the report."""
        return {
            "passed": self.passed,
            "checked": self.checked,
            "worse": list(self.worse),
            "unchecked": list(self.unchecked),
            "left_out": self.left_out,
        }


def never_worse(comparison: dict[str, Any]) -> Verdict:
    """Judge every slice of a `megaasr_plugins.evaluation.summary.compare`.

    A slice is worse where the lower end of the paired bootstrap's 95 % interval of the difference is above zero. So of
    a hundred slices on which nothing but chance decides, two or three are called worse.
    """
    worse: dict[str, str] = {}
    unchecked: list[str] = []
    for name, one in comparison["slices"].items():
        low = one["difference"]["low"]
        if low is None:
            unchecked.append(name)
        elif low > 0.0:
            worse[name] = _figures(one)
    return Verdict(len(comparison["slices"]) - len(unchecked), worse, tuple(unchecked), comparison["failed_in_either"])


def _figures(one: dict[str, Any]) -> str:
    ours, base = (f"{PERCENT * one[name]:.2f} %" for name in ("error_rate", "base_error_rate"))
    value, low, high = (f"{PERCENT * one['difference'][name]:+.2f}" for name in ("value", "low", "high"))
    size = f"{one['utterances']} utterances, {one['tokens']} words or characters"
    return f"{ours} against {base}, difference {value} points [{low}, {high}] over {size}"

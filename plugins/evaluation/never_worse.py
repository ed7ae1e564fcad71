"""Regression guard: a system must not be worse than its base with 95 % confidence on any slice."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

PERCENT = 100.0
MOST_NAMED = 12
"""Maximum number of unchecked slices that a message names; the others are only counted."""


@dataclass(frozen=True)
class Verdict:
    """The result of the guard over all slices of a paired comparison.

    Args:
        checked: number of slices with at least two utterances.
        worse: slices whose interval of the difference lies above zero, each with a text of its figures.
        unchecked: slices with a single utterance, which have no interval.
        left_out: number of utterances that failed in either run and were not compared.
    """

    checked: int
    worse: dict[str, str]
    unchecked: tuple[str, ...]
    left_out: int = 0

    @property
    def passed(self) -> bool:
        """Whether at least one slice was checked and none is worse."""
        return self.checked > 0 and not self.worse

    def lines(self, base: str) -> list[str]:
        """The messages: one line for each worse slice, or else one line with the number of checked slices.

        Args:
            base: name of the base in the messages.
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
        """The verdict as a JSON object for the report."""
        return {
            "passed": self.passed,
            "checked": self.checked,
            "worse": list(self.worse),
            "unchecked": list(self.unchecked),
            "left_out": self.left_out,
        }


def never_worse(comparison: dict[str, Any]) -> Verdict:
    """Check every slice of the result of `megaasr_plugins.evaluation.summary.compare`.

    A slice is worse if the lower limit of the paired bootstrap's 95 % interval of the difference is above zero. The
    expected false-positive rate is 2.5 % of the slices.
    """
    worse: dict[str, str] = {}
    unchecked: list[str] = []
    for name, figures in comparison["slices"].items():
        low = figures["difference"]["low"]
        if low is None:
            unchecked.append(name)
        elif low > 0.0:
            worse[name] = _figures_text(figures)
    return Verdict(len(comparison["slices"]) - len(unchecked), worse, tuple(unchecked), comparison["failed_in_either"])


def _figures_text(figures: dict[str, Any]) -> str:
    rate, base_rate = (f"{PERCENT * figures[name]:.2f} %" for name in ("error_rate", "base_error_rate"))
    value, low, high = (f"{PERCENT * figures['difference'][name]:+.2f}" for name in ("value", "low", "high"))
    size = f"{figures['utterances']} utterances, {figures['tokens']} words or characters"
    return f"{rate} against {base_rate}, difference {value} points [{low}, {high}] over {size}"

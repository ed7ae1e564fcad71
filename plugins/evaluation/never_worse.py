"""Regression guard: a test of non-inferiority of a system to its base, on every slice."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

from megaasr import ParameterError

from .comparison.systems import BASE, THIS, compare
from .pairing import utterance_of

Row = dict[str, Any]
Outcome = Literal["not worse", "worse", "cannot tell"]
NOT_WORSE: Outcome = "not worse"
WORSE: Outcome = "worse"
CANNOT_TELL: Outcome = "cannot tell"
CLEAN_MARGIN_POINTS, DEGRADED_MARGIN_POINTS = 0.5, 1.0
PERCENT = 100.0
UNITS = {"wer": "words", "cer": "characters"}
MOST_NAMED = 12
"""Maximum number of undecided slices with a line of their own; the others are only counted."""


@dataclass(frozen=True)
class Rules:
    """What the guard takes as evidence.

    Args:
        margin_points: difference of error rates, in percentage points and above 0, that counts as no worse; None:
            `DEGRADED_MARGIN_POINTS` for a slice whose every row is degraded (`megaasr_plugins.evaluation.slicing.
            is_degraded`), else `CLEAN_MARGIN_POINTS`, so also where the rows do not say.
        min_clusters: minimum number of clusters of a slice; fewer make a bootstrap interval too narrow.
        min_words: minimum number of words (or characters) of a slice; None: 3 / margin, which is 600 for 0.5 points
            and 300 for 1: of so many words without a difference the upper limit of 95 % is the margin (rule of three,
            Hanley & Lippman-Hand 1983), where the bootstrap gives an interval of no width.
        max_failed: maximum share of the rows of either run that failed.
    """

    margin_points: float | None = None
    min_clusters: int = 10
    min_words: int | None = None
    max_failed: float = 0.01

    def __post_init__(self) -> None:
        if self.margin_points is not None and not 0.0 < self.margin_points < math.inf:
            raise ParameterError(f"margin of {self.margin_points:g} points: a number above 0 is expected")
        if not 0.0 <= self.max_failed <= 1.0:
            raise ParameterError(f"maximum share of failed rows {self.max_failed:g}: 0 to 1 is expected")
        for name, least in (("clusters", self.min_clusters), ("words", self.min_words)):
            if least is not None and least < 0:
                raise ParameterError(f"minimum of {least} {name}: 0 or more is expected")

    def margin_of(self, is_degraded: bool) -> float:
        """The margin of a slice in percentage points."""
        if self.margin_points is not None:
            return self.margin_points
        return DEGRADED_MARGIN_POINTS if is_degraded else CLEAN_MARGIN_POINTS

    def least_words(self, margin_points: float) -> int:
        """The minimum number of words for a margin."""
        return math.ceil(3 * PERCENT / margin_points) if self.min_words is None else self.min_words


@dataclass(frozen=True)
class SliceVerdict:
    """What the guard found on one slice.

    Args:
        outcome: ``not worse``, ``worse`` or ``cannot tell``.
        margin_points: the margin in percentage points.
        reason: of the outcome, with the figures, for people.
    """

    outcome: Outcome
    margin_points: float
    reason: str


@dataclass(frozen=True)
class Verdict:
    """What the guard found on all slices of a comparison.

    Args:
        slices: verdict by name of the slice.
        failed: lines on failed rows, for people.
    """

    slices: dict[str, SliceVerdict]
    failed: tuple[str, ...] = ()

    def named(self, outcome: Outcome) -> list[str]:
        """The slices with this outcome."""
        return [name for name, found in self.slices.items() if found.outcome == outcome]

    @property
    def outcome(self) -> Outcome:
        """``worse`` if a slice is, ``not worse`` if there are slices and all are, else ``cannot tell``."""
        if self.named(WORSE):
            return WORSE
        return NOT_WORSE if self.slices and not self.named(CANNOT_TELL) else CANNOT_TELL

    def lines(self, base: str) -> list[str]:
        """The messages: one line for each slice that is worse or undecided, and one for all that are not worse.

        Args:
            base: name of the base in the messages.
        """
        worse, unclear, fine = (self.named(outcome) for outcome in (WORSE, CANNOT_TELL, NOT_WORSE))
        lines = [f"worse than {base}: {name}: {self.slices[name].reason}" for name in worse]
        lines += [
            f"cannot tell whether worse than {base}: {name}: {self.slices[name].reason}"
            for name in unclear[:MOST_NAMED]
        ]
        if len(unclear) > MOST_NAMED:
            lines.append(f"cannot tell whether worse than {base}: {len(unclear) - MOST_NAMED} more slices")
        if not self.slices:
            lines.append(f"cannot tell whether worse than {base}: no utterance was scored in both")
        if fine:
            margins = sorted({f"{self.slices[name].margin_points:g}" for name in fine})
            sizes = f"{len(fine)} of {len(self.slices)} slices, margin {' or '.join(margins)} points"
            lines.append(f"not worse than {base}: {sizes}, with 97.5 % confidence each")
        return [*lines, *self.failed]

    def as_json(self) -> dict[str, Any]:
        """The verdict as a JSON object for the report."""
        return {
            "outcome": self.outcome,
            "slices": {name: asdict(found) for name, found in self.slices.items()},
            "failed": list(self.failed),
        }


def never_worse(
    rows: Sequence[Row],
    base: Sequence[Row],
    rules: Rules,
    seed: int = 0,
    by: Sequence[str] = (),
    cluster: str | None = None,
) -> tuple[dict[str, Any], Verdict]:
    """Test every slice for non-inferiority to the base (Piaggio et al. 2012, JAMA 308, 2594-2604).

    By the 95 % interval [low, high] of the difference of error rates, in paired clusters, a slice is

    - ``not worse`` if high lies below the margin, even if low lies above 0;
    - ``worse`` if low lies above 0 and the difference itself above the margin;
    - ``cannot tell`` otherwise, and where it has too few clusters or words. A slice that would be ``not worse`` is
      ``cannot tell`` too where too many rows of either run failed.

    A row that failed in `rows` alone counts with all its words deleted; one that failed in `base` is left out.

    If a system is worse than its base by the margin or more on some slice, all slices pass with a probability of at
    most 2.5 %, whatever their number (an intersection-union test: Berger 1982, Technometrics 24, 295-300). A system
    that equals its base is called worse on one slice with at most 2.5 %, so on some of k slices with up to k times as
    much. Neither that nor ``cannot tell`` is corrected for the number of slices.

    Args:
        rows, base: result rows on the same utterances.
        rules: margin, minima and maximum.
        seed, by, cluster: as for `compare`, whose errors are raised.

    Returns:
        The comparison, as `compare` returns it, and the verdict.
    """
    comparison = compare(failed_as_deleted(rows, base), base, seed, by, cluster)
    failed = [sum("error" in row for row in one) for one in (rows, base)]
    names = ("this run", "the base")
    lines = [f"{count} of {len(rows)} rows failed in {name}" for count, name in zip(failed, names, strict=True)]
    many = [line for line, count in zip(lines, failed, strict=True) if count > rules.max_failed * len(rows)]
    fault = f"{many[0]}, more than the share {rules.max_failed:g}" if many else ""
    verdicts = {name: slice_verdict(figures, rules, fault) for name, figures in comparison["slices"].items()}
    how = ("; their words count as deleted", "; they are left out")
    said = (line + way for line, way, count in zip(lines, how, failed, strict=True) if count)
    return comparison, Verdict(verdicts, tuple(said))


def failed_as_deleted(rows: Sequence[Row], base: Sequence[Row]) -> list[Row]:
    """The rows, those that failed where `base` did not as rows without a transcript: all their words are deleted."""
    scored = {utterance_of(row): row for row in base if "error" not in row}
    return [
        _deleted(row, scored[utterance_of(row)]) if "error" in row and utterance_of(row) in scored else row
        for row in rows
    ]


def _deleted(row: Row, base_row: Row) -> Row:
    kept = {name: value for name, value in row.items() if name != "error"}
    scored_by: Row = {name: base_row[name] for name in ("language", "metric", "normaliser") if name in base_row}
    words = base_row["ref_len"]
    counts: Row = {"num_edits": words, "ref_len": words, "substitutions": 0, "insertions": 0, "deletions": words}
    return {**kept, **scored_by, **counts, "prediction": "", "flags": ["empty"], "adapter": None}


def slice_verdict(figures: dict[str, Any], rules: Rules, fault: str = "") -> SliceVerdict:
    """The verdict on one slice of a comparison, by the rules of `never_worse`.

    Args:
        figures: of the slice, as `compare` returns them.
        rules: margin and minima.
        fault: why no slice can be ``not worse``; empty if it can.
    """
    margin = rules.margin_of(figures["degraded"])
    value, low, high = (
        None if limit is None else PERCENT * limit for limit in figures["systems"][THIS]["difference"].values()
    )
    sizes = {"clusters": (figures["clusters"], rules.min_clusters)}
    sizes[UNITS[figures["metric"]]] = (figures["tokens"], rules.least_words(margin))
    few = [f"fewer than {least} {name}" for name, (count, least) in sizes.items() if count < least]
    if value is None or low is None or high is None or few:
        outcome, why = CANNOT_TELL, "; ".join(few) or "no interval"
    elif low > 0.0 and value > margin:
        outcome, why = WORSE, ""
    elif high < margin and not fault:
        outcome, why = NOT_WORSE, ""
    else:
        outcome, why = CANNOT_TELL, fault or "the interval includes the margin"
    return SliceVerdict(outcome, margin, _figures_text(figures, margin) + (f"; {why}" if why else ""))


def _figures_text(figures: dict[str, Any], margin: float) -> str:
    rate, base_rate = (f"{PERCENT * figures['systems'][name]['error_rate']['value']:.2f} %" for name in (THIS, BASE))
    value, low, high = (
        "-" if limit is None else f"{PERCENT * limit:+.2f}" for limit in figures["systems"][THIS]["difference"].values()
    )
    size = f"{UNITS[figures['metric']]}: {figures['tokens']}, clusters: {figures['clusters']}"
    return f"{rate} against {base_rate}, difference {value} points [{low}, {high}], margin {margin:g}; {size}"

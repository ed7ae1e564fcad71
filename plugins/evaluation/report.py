"""The Markdown of an evaluation: a header that says what was measured on what, and a row a slice."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from megaasr import coverage

from .summary import RATES

PERCENT = 100.0
RELATIVE = "relative [interval], %"


def markdown(report: dict[str, Any]) -> str:
    """Render the report of `megaasr eval` for people.

    Args:
        report: ``summary`` of `summarise`, ``settings``, ``hardware``, and optionally ``comparison`` of `compare` and
            ``never_worse`` of `Verdict.as_json`; ``rewards`` in the summary, by term, of `TermScores.summary`.
    """
    summary = report["summary"]
    rtfx = f"{summary['rtfx']:.1f}" if summary["rtfx"] else "unknown"
    lines = [
        "# Evaluation",
        "",
        f"- utterances: {summary['utterances']}, failed: {summary['failed']}",
        f"- speed: RTFx {rtfx} ({summary['audio_s']:.1f} s of audio in {summary['decoding_s']:.1f} s of decoding)",
        f"- hardware: {pairs(report['hardware'])}",
        f"- settings: {pairs(report['settings'])}",
        f"- normaliser: {pairs(summary['normalisers'])}",
        "- intervals: 95 %, bootstrap over utterances",
        "",
    ]
    head = ["slice", "utterances", "tokens", "error % [interval]", "capped %", "S", "D", "I", "runaway"]
    lines += table(
        [*head, *(f"{name} %" for name in RATES)],
        [_row(name, one) for name, one in summary["slices"].items()],
    )
    if "rewards" in summary:
        lines += _rewards(summary["rewards"])
    if "comparison" in report:
        comparison = report["comparison"]
        lines += ["", f"## Against {report['settings']['compare']}", ""]
        lines += [f"Paired over {comparison['utterances']} utterances; below zero is better.", ""]
        if "never_worse" in report:
            lines += [_guard(report["never_worse"]), ""]
        lines += table(
            ["slice", "utterances", "tokens", "base %", "this %", "difference [interval], points", RELATIVE],
            [_compared(name, one) for name, one in comparison["slices"].items()],
        )
    return "\n".join(lines) + "\n"


def pairs(values: dict[str, Any]) -> str:
    """Names with their values, in one line; what is None is left out."""
    return ", ".join(f"{name} {value}" for name, value in values.items() if value is not None)


def _row(name: str, one: dict[str, Any]) -> list[str]:
    rates = [one[f"{name}_rate"] for name in RATES]
    counts = [one[name] for name in ("substitutions", "deletions", "insertions", "runaways")]
    return [
        name,
        str(one["utterances"]),
        str(one["tokens"]),
        interval(one["error_rate"]),
        percent(one["capped_error_rate"]),
        *map(str, counts),
        *map(percent, rates),
    ]


def _compared(name: str, one: dict[str, Any]) -> list[str]:
    rates = [percent(one["base_error_rate"]), percent(one["error_rate"])]
    differences = [interval(one["difference"], "+.2f"), interval(one["relative_difference"], "+.1f")]
    return [name, str(one["utterances"]), str(one["tokens"]), *rates, *differences]


def _rewards(summaries: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """Each term's mean and the number of rows in it."""
    rows = [
        [term, "-" if summary["mean"] is None else f"{summary['mean']:.4f}", coverage(summary)]
        for term, summary in summaries.items()
    ]
    return ["", "## Rewards", "", *table(["term", "mean", "rows"], rows)]


def _guard(verdict: dict[str, Any]) -> str:
    checked = f"{verdict['checked']} slices checked, {len(verdict['unchecked'])} of one utterance unchecked"
    if verdict["worse"]:
        return f"Never worse: no; {checked}; worse with 95 % confidence: {', '.join(verdict['worse'])}."
    return f"Never worse: {'yes' if verdict['passed'] else 'unknown'}; {checked}."


def interval(one: dict[str, Any] | None, form: str = ".2f") -> str:
    """An interval in percent, ``12.34 [10.00, 15.00]``; ``-`` for what is not known or has no bound."""
    if one is None:
        return "-"
    value, low, high = (
        "-" if one[name] is None else f"{PERCENT * one[name]:{form}}" for name in ("value", "low", "high")
    )
    return f"{value} [-]" if low == high == "-" else f"{value} [{low}, {high}]"


def percent(rate: float) -> str:
    """A rate of 0.1234 as ``12.34``."""
    return f"{PERCENT * rate:.2f}"


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    """A Markdown table, the first column to the left and the others to the right."""
    head, *rows = ([cell.replace("|", r"\|") for cell in line] for line in (head, *rows))
    widths = [max(3, *(len(line[column]) for line in (head, *rows))) for column in range(len(head))]

    def line(cells: Sequence[str]) -> str:
        first, *others = (
            cell.ljust(w) if i == 0 else cell.rjust(w) for i, (cell, w) in enumerate(zip(cells, widths, strict=True))
        )
        return "| " + " | ".join([first, *others]) + " |"

    rule = ["-" * widths[0], *("-" * (width - 1) + ":" for width in widths[1:])]
    return [line(head), line(rule), *map(line, rows)]

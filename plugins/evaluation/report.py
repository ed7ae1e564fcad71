"""Markdown report of an evaluation: a header with settings and hardware, and one table row per slice."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from megaasr import coverage

from .summary import RATES

PERCENT = 100.0
UNKNOWN = "not recorded"
RELATIVE = "relative [interval], %"


def markdown(report: dict[str, Any]) -> str:
    """Render the report of `megaasr eval` as Markdown.

    Args:
        report: ``summary`` from `summarise`; ``settings``, ``hardware`` and ``run`` (its id and identity) of the run
            that made the rows, the last two None where it is not recorded; optionally ``comparison`` from `compare` and
            ``never_worse`` from `Verdict.as_json`; ``rewards`` in the summary, by term, from `TermScores.summary`.
    """
    summary = report["summary"]
    rtfx = f"{summary['rtfx']:.1f}" if summary["rtfx"] else "unknown"
    lines = [
        "# Evaluation",
        "",
        f"- utterances: {summary['utterances']}, failed: {summary['failed']}",
        f"- speed: RTFx {rtfx} ({summary['audio_s']:.1f} s of audio in {summary['decoding_s']:.1f} s of decoding)",
        f"- hardware: {pairs(report['hardware']) if report['hardware'] else UNKNOWN}",
        f"- settings: {pairs(report['settings'])}",
        f"- run: {_run(report['run'])}",
        f"- normaliser: {pairs(summary['normalisers'])}",
        "- intervals: 95 %, bootstrap over utterances",
        "",
    ]
    head = ["slice", "utterances", "tokens", "error % [interval]", "capped %", "S", "D", "I", "runaway"]
    lines += table(
        [*head, *(f"{name} %" for name in RATES)],
        [_row(name, figures) for name, figures in summary["slices"].items()],
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
            [_compared(name, figures) for name, figures in comparison["slices"].items()],
        )
    return "\n".join(lines) + "\n"


def pairs(values: dict[str, Any]) -> str:
    """Names with their values in one line, without values that are None."""
    return ", ".join(f"{name} {value}" for name, value in values.items() if value is not None)


def _run(run: Mapping[str, Any] | None) -> str:
    """The identity of the run that made the rows, in digests of eight digits."""
    if run is None:
        return UNKNOWN
    shown = {"code": run["code"]["sources"], "model": run["backend"].get("files"), "adapter": run["adapter"]}
    digests = {name: digest[:8] for name, digest in shown.items() if digest}
    return f"{run['id']} (megaasr {run['code']['megaasr']}, {pairs(digests)})"


def _row(name: str, figures: dict[str, Any]) -> list[str]:
    rates = [figures[f"{name}_rate"] for name in RATES]
    counts = [figures[name] for name in ("substitutions", "deletions", "insertions", "runaways")]
    return [
        name,
        str(figures["utterances"]),
        str(figures["tokens"]),
        interval(figures["error_rate"]),
        percent(figures["capped_error_rate"]),
        *map(str, counts),
        *map(percent, rates),
    ]


def _compared(name: str, figures: dict[str, Any]) -> list[str]:
    rates = [percent(figures["base_error_rate"]), percent(figures["error_rate"])]
    differences = [interval(figures["difference"], "+.2f"), interval(figures["relative_difference"], "+.1f")]
    return [name, str(figures["utterances"]), str(figures["tokens"]), *rates, *differences]


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


def interval(estimate: dict[str, Any] | None, form: str = ".2f") -> str:
    """An estimate with interval in percent, ``12.34 [10.00, 15.00]``; ``-`` for unknown values and infinite limits."""
    if estimate is None:
        return "-"
    value, low, high = (
        "-" if estimate[name] is None else f"{PERCENT * estimate[name]:{form}}" for name in ("value", "low", "high")
    )
    return f"{value} [-]" if low == high == "-" else f"{value} [{low}, {high}]"


def percent(rate: float) -> str:
    """A rate in percent: 0.1234 becomes ``12.34``."""
    return f"{PERCENT * rate:.2f}"


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    """Lines of a Markdown table; the first column is left-aligned, the others right-aligned."""
    head, *rows = ([cell.replace("|", r"\|") for cell in line] for line in (head, *rows))
    widths = [max(3, *(len(line[column]) for line in (head, *rows))) for column in range(len(head))]

    def line(cells: Sequence[str]) -> str:
        first, *others = (
            cell.ljust(w) if i == 0 else cell.rjust(w) for i, (cell, w) in enumerate(zip(cells, widths, strict=True))
        )
        return "| " + " | ".join([first, *others]) + " |"

    rule = ["-" * widths[0], *("-" * (width - 1) + ":" for width in widths[1:])]
    return [line(head), line(rule), *map(line, rows)]

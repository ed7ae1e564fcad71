"""Markdown report of an evaluation: a header with settings and hardware, and one table row per slice."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from megaasr import coverage

from .comparison.systems import BASE, THIS
from .figures import MEANING, difference_table, figure_table, system_table
from .summary import RATES
from .tables import clusters_line, pairs, percent, table

UNKNOWN = "not recorded"


def markdown(report: dict[str, Any]) -> str:
    """Render the report of `megaasr eval` as Markdown.

    Args:
        report: ``summary`` from `summarise`; ``settings``, ``hardware`` and ``run`` (its id and identity) of the run
            that made the rows, the last two None where it is not recorded; optionally ``comparison`` from `compare` and
            ``never_worse`` from `Verdict.as_json`; ``rewards`` in the summary, by term, from `TermScores.summary`.
    """
    summary = report["summary"]
    rates: list[list[str]] = []
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
        clusters_line(summary["clusters"]),
        "",
        *MEANING,
        "",
        *figure_table(summary["slices"]),
        "",
        "Other rates, in percent of the utterances:",
        "",
    ]
    for name, figures in summary["slices"].items():
        rates.append([name, *(percent(figures[f"{rate}_rate"]) for rate in RATES)])
    lines += table(["slice", *(f"{name} %" for name in RATES)], rates)
    if "rewards" in summary:
        lines += _rewards(summary["rewards"])
    if "comparison" in report:
        lines += _comparison(report)
    return "\n".join(lines) + "\n"


def _comparison(report: dict[str, Any]) -> list[str]:
    comparison, slices = report["comparison"], report["comparison"]["slices"]
    lines = ["", f"## Against {report['settings']['compare']}", ""]
    lines += [f"Paired over {comparison['utterances']} utterances in {comparison['clusters']['count']} clusters."]
    lines += ["", *system_table(slices, [BASE, THIS]), "", "Differences to the base; below zero is better:", ""]
    lines += difference_table(slices, [THIS], BASE)
    return [*lines, *_verdicts(report["never_worse"])] if "never_worse" in report else lines


def _run(run: Mapping[str, Any] | None) -> str:
    """The identity of the run that made the rows, in digests of eight digits."""
    if run is None:
        return UNKNOWN
    shown = {"code": run["code"]["sources"], "model": run["backend"].get("files"), "adapter": run["adapter"]}
    digests = {name: digest[:8] for name, digest in shown.items() if digest}
    return f"{run['id']} (megaasr {run['code']['megaasr']}, {pairs(digests)})"


def _verdicts(verdict: dict[str, Any]) -> list[str]:
    rows = [
        [name, found["outcome"], f"{found['margin_points']:g}", found["reason"]]
        for name, found in verdict["slices"].items()
    ]
    head = ["slice", "verdict", "margin, points", "figures"]
    failed = ["", f"{'. '.join(verdict['failed'])}."] if verdict["failed"] else []
    return ["", "## Never worse", "", f"All slices: {verdict['outcome']}.", *failed, "", *table(head, rows)]


def _rewards(summaries: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """Each term's mean and the number of rows in it."""
    rows = [
        [term, "-" if summary["mean"] is None else f"{summary['mean']:.4f}", coverage(summary)]
        for term, summary in summaries.items()
    ]
    return ["", "## Rewards", "", *table(["term", "mean", "rows"], rows)]

"""Markdown report of several systems against one base: error rates, paired differences, and kinds of failure."""

from __future__ import annotations

from typing import Any

from ..report import RELATIVE, interval, pairs, percent, table
from ..summary import RATES
from .systems import BASE


def compare_markdown(report: dict[str, Any]) -> str:
    """Render the report of `megaasr compare` as Markdown.

    Args:
        report: the result of `compare_systems`, and ``settings``, in which ``files`` maps each system to its file.
    """
    slices = report["slices"]
    settings = {name: value for name, value in report["settings"].items() if name != "files"}
    systems = list(report["settings"]["files"])
    others = [system for system in systems if system != BASE]
    lines = [
        "# Comparison",
        "",
        *(f"- {system}: {file}" for system, file in report["settings"]["files"].items()),
        f"- utterances: {report['utterances']}, left out since a system failed on them: {report['failed_in_any']}",
        f"- settings: {pairs(settings)}",
        "- intervals: 95 %, bootstrap over utterances; all systems of a slice share their resamples",
        "",
        "## Error rate, % [interval]",
        "",
    ]
    size = ["slice", "utterances", "tokens"]
    lines += table(
        [*size, *systems],
        [
            [*_size(name, figures), *(interval(figures["systems"][s]["error_rate"]) for s in systems)]
            for name, figures in slices.items()
        ],
    )
    if others:
        lines += ["", "## Paired difference to the base", "", "Below zero is better.", ""]
        lines += table(
            ["slice", "system", "difference [interval], points", RELATIVE],
            [
                _difference(name, system, figures["systems"][system])
                for name, figures in slices.items()
                for system in others
            ],
        )
    lines += ["", "## How they fail", "", *MEANING, ""]
    lines += table(
        ["slice", "system", "error %", "capped %", "runaways", *(f"{name} %" for name in RATES)],
        [_failures(name, system, figures["systems"][system]) for name, figures in slices.items() for system in systems],
    )
    return "\n".join(lines) + "\n"


MEANING = (
    "Capped counts at most as many errors in an utterance as it has words, and a runaway has more. Empty, repetitive,",
    "truncated, invented, deleted (more than half of the words) and adapter are shares of the utterances.",
)


def _size(name: str, figures: dict[str, Any]) -> list[str]:
    return [name, str(figures["utterances"]), str(figures["tokens"])]


def _difference(name: str, system: str, figures: dict[str, Any]) -> list[str]:
    return [name, system, interval(figures["difference"], "+.2f"), interval(figures["relative_difference"], "+.1f")]


def _failures(name: str, system: str, figures: dict[str, Any]) -> list[str]:
    rates = [figures["error_rate"]["value"], figures["capped_error_rate"], *(figures[f"{rate}_rate"] for rate in RATES)]
    error, capped, *others = map(percent, rates)
    return [name, system, error, capped, str(figures["runaways"]), *others]

"""The Markdown of several systems against one base: error rates, paired differences, and how each one fails."""

from __future__ import annotations

from typing import Any

from ..report import RELATIVE, interval, pairs, percent, table
from ..summary import RATES
from .systems import BASE


def compare_markdown(report: dict[str, Any]) -> str:
    """Render the report of `megaasr compare` for people.

    Args:
        report: what `compare_systems` gives, and ``settings``, in which ``files`` has each system's.
    """
    found = report["slices"]
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
            [*_size(name, one), *(interval(one["systems"][s]["error_rate"]) for s in systems)]
            for name, one in found.items()
        ],
    )
    if others:
        lines += ["", "## Paired difference to the base", "", "Below zero is better.", ""]
        lines += table(
            ["slice", "system", "difference [interval], points", RELATIVE],
            [_difference(name, system, one["systems"][system]) for name, one in found.items() for system in others],
        )
    lines += ["", "## How they fail", "", *MEANING, ""]
    lines += table(
        ["slice", "system", "error %", "capped %", "runaways", *(f"{name} %" for name in RATES)],
        [_failures(name, system, one["systems"][system]) for name, one in found.items() for system in systems],
    )
    return "\n".join(lines) + "\n"


MEANING = (
    "Capped counts at most as many errors in an utterance as it has words, and a runaway has more. Empty, repetitive,",
    "truncated, invented, deleted (more than half of the words) and adapter are shares of the utterances.",
)


def _size(name: str, one: dict[str, Any]) -> list[str]:
    return [name, str(one["utterances"]), str(one["tokens"])]


def _difference(name: str, system: str, one: dict[str, Any]) -> list[str]:
    return [name, system, interval(one["difference"], "+.2f"), interval(one["relative_difference"], "+.1f")]


def _failures(name: str, system: str, one: dict[str, Any]) -> list[str]:
    rates = [one["error_rate"]["value"], one["capped_error_rate"], *(one[f"{rate}_rate"] for rate in RATES)]
    error, capped, *others = map(percent, rates)
    return [name, system, error, capped, str(one["runaways"]), *others]

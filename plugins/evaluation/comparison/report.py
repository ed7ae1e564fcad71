"""Markdown report of several systems against one base: error rates, paired differences, and kinds of failure."""

from __future__ import annotations

from typing import Any

from ..figures import MEANING, RELATIVE, difference_table, differences, rate_table, system_table
from ..tables import clusters_line, interval, pairs, table
from .systems import BASE

BEST = (
    "The best baseline of a slice is the one with the fewest errors on these same rows. So its error rate is too low",
    "by chance, and the difference favours it; the interval does not include the choice.",
)


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
        clusters_line(report["clusters"]),
        "- all systems of a slice share their resamples",
        "",
        "## Figures",
        "",
        *MEANING,
        "",
        *system_table(slices, systems),
    ]
    if others:
        lines += ["", "## Paired difference to the base", "", "Below zero is better.", ""]
        lines += difference_table(slices, others, BASE)
    if ours := report["settings"].get("ours"):
        lines += ["", f"## {ours} against the best baseline", "", *BEST, "", *_best_table(slices, ours)]
    lines += ["", "## Other rates", "", "In percent of the utterances.", "", *rate_table(slices, systems)]
    return "\n".join(lines) + "\n"


def _best_table(slices: dict[str, Any], ours: str) -> list[str]:
    head = ["slice", "best baseline", "its error %", f"{ours} error %"]
    rows = []
    for name, figures in slices.items():
        best = figures["against_best"]
        rates = (interval(figures["systems"][system]["error_rate"]) for system in (best["baseline"], ours))
        rows.append([name, best["baseline"], *rates, *differences(best)])
    return table([*head, "difference [interval], points", "capped [interval], points", RELATIVE], rows)

"""Write the table of the part report that the README and the card show: every family, the baselines, and what ships.

    python -m recipes.tiny.summary report/report.json --out report/summary.md

The table is made from the summary of ``megaasr compare`` alone, and a test holds the README and the card against it.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from megaasr import ManifestError, read_json, write_text

from . import command
from .measuring import BASELINES, OURS

FAMILIES = {
    "everyday": "everyday noise of volunteers",
    "noizeus": "NOIZEUS, 0 to 15 dB",
    "simulated": "simulated, 54 scenarios",
    "commonvoice": "Common Voice, clean",
    "voxforge": "VoxForge, clean",
    "nonnative": "non-native, clean",
    "librispeech": "LibriSpeech, clean",
}
"""What the tables call each family, the degraded ones first."""
CONDITIONS = {"degraded": "**all degraded**", "clean": "**all clean**"}
HEADS = ("recordings", "words", "clusters", "Whisper", "loops collapsed", "faster-whisper", "our decoding", "megaasr",
         "to the best")  # fmt: skip


def percent(figure: dict[str, Any], sign: str = "") -> str:
    """A figure in percent with one decimal and its interval, where it has one."""
    value, low, high = (
        None if figure[name] is None else f"{100 * figure[name]:{sign}.1f}" for name in ("value", "low", "high")
    )
    return f"{value}" + (f" [{low}, {high}]" if low and high else "")


def line(label: str, figures: dict[str, Any]) -> list[str]:
    """The cells of one slice; the best baseline is that of `megaasr compare`, on these same clips."""
    systems, best = figures["systems"], figures["against_best"]
    rates = [f"{100 * systems[name]['error_rate']['value']:.1f}" for name in (*BASELINES, "base")]
    return [
        label,
        f"{figures['tokens']:,}",
        str(figures["clusters"]),
        *rates,
        percent(systems[OURS]["error_rate"]),
        percent(best["relative_difference"], "+"),
    ]


def table(found: dict[str, Any]) -> str:
    """The Markdown table of a summary of ``megaasr compare``.

    Raises:
        ManifestError: a family or a condition has no slice.
    """
    slices = found["slices"]
    wanted = {f"family: {name}": label for name, label in FAMILIES.items()}
    wanted |= {f"condition: {name}": label for name, label in CONDITIONS.items()}
    names = {next((name for name in slices if name.startswith(start)), start): start for start in wanted}
    missing = [name for name in names if name not in slices]
    if missing:
        raise ManifestError(f"the summary has no slice {missing[0]!r}; the slices are {', '.join(slices)}")
    lines = [list(HEADS), ["---"] * len(HEADS), *(line(wanted[start], slices[name]) for name, start in names.items())]
    return "".join(f"| {' | '.join(cells)} |\n" for cells in lines)


def main(
    summary: Annotated[Path, typer.Argument(help="Summary of `megaasr compare`, by family and condition.")],
    out: Annotated[Path, typer.Option(help="Table to write.")],
) -> None:
    """Write the table for README and card."""
    text = table(read_json(summary))
    write_text(out, text)
    command.say(text)


if __name__ == "__main__":
    command.run(main)

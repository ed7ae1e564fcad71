"""How many edits the router second_opinion leaves for each pair of its bounds, on clips that were decoded both ways.

    python -m recipes.tiny.opinions OUT

OUT is the recipe's folder after ``make reproduce`` and ``recipes.tiny.router_objectives``. What it counts on chooses;
what is reported elsewhere (``dev/evaluation.jsonl``, ``dev/real.jsonl``) is not among it.
"""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import Annotated

import typer

from megaasr_core.base.audio import Audio
from megaasr_core.base.audio_files import AudioLimits
from megaasr_core.base.files import read_jsonl, write_text
from megaasr_core.contracts.discovery import installed_plugins
from megaasr_core.flows.corpus.samples import read_sample
from megaasr_core.flows.evaluation import read_items

from . import command
from .clips import Row
from .reproduce import results, stem
from .routed import RATE_HZ, choose

SOURCES = ("plans/outcome", "plans/outcome_train", "dev/clean.jsonl", "packs/quiet.jsonl")
SURE = (-0.6, -0.8, -1.0)
LOST = (-1.1, -1.2, -1.25, -1.3, -1.4)
Decoded = tuple[list[Audio], list[Row], list[Row]]


def decoded(out: Path, source: str) -> Decoded:
    """Clips with their rows by the base and by the adapter."""
    items = read_items(out / source)
    audios = [read_sample(item.audio, AudioLimits(convert=True)).resampled(RATE_HZ) for item in items]
    base, robust = (read_jsonl(out / name) for name in results(stem(source)))
    return audios, base, robust


def counted(settings: dict[str, object], everything: list[Decoded]) -> tuple[int, int]:
    """Edits that are left, and clips of which a second opinion was asked."""
    router = installed_plugins().routers["second_opinion"].create(settings)
    rows = [row for audios, base, robust in everything for row in choose(router, audios, base, robust)]
    return sum(row["num_edits"] for row in rows), sum("second opinion" in row["route"] for row in rows)


def main(out: Annotated[Path, typer.Argument(help="The recipe's folder.")]) -> None:
    """Count for every pair of bounds."""
    everything = [decoded(out, source) for source in SOURCES]
    weights = str(out / "router" / "audio_quality.safetensors")
    alone = [sum(row["num_edits"] for one in everything for row in one[way]) for way in (1, 2)]
    lines = [
        f"base {alone[0]} edits, adapter {alone[1]}",
        "",
        "| sure | lost | edits | asked |",
        "| --- | --- | --- | --- |",
    ]
    for sure, lost in itertools.product(SURE, LOST):
        edits, asked = counted({"weights": weights, "sure_logprob": sure, "lost_logprob": lost}, everything)
        lines.append(f"| {sure} | {lost} | {edits} | {asked} |")
        command.say(lines[-1])
    write_text(out / "report" / "opinions.md", "\n".join(lines) + "\n")


if __name__ == "__main__":
    command.run(main)

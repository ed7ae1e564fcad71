"""How many edits the router second_opinion leaves for each pair of its bounds, on clips that were decoded both ways.

    python -m recipes.tiny.opinions OUT

OUT is the recipe's folder after ``make reproduce`` and ``recipes.tiny.router_objectives``. What it counts on chooses;
what is reported elsewhere (``dev/evaluation.jsonl``, ``dev/real.jsonl``) is not among it.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

from megaasr import (
    Audio,
    AudioLimits,
    Reviewed,
    Route,
    Router,
    Utterance,
    installed_plugins,
    read_jsonl,
    read_sample,
    write_text,
)
from megaasr_plugins.evaluation.evaluate import read_items

from . import command
from .clips import Row
from .reproduce import results, stem
from .routed import RATE_HZ, choose

SOURCES = ("plans/outcome", "plans/outcome_train", "dev/clean.jsonl", "packs/quiet.jsonl")
SURE = (-0.6, -0.8, -1.0)
LOST = (-1.1, -1.2, -1.25, -1.3, -1.4)


@dataclass(frozen=True)
class Decoded:
    """Clips that were decoded both ways.

    Args:
        audios: what was decoded.
        base: rows of results, one a clip.
        robust: rows of results, of the same clips in the same order.
        routes: by the sound alone.
    """

    audios: list[Audio]
    base: list[Row]
    robust: list[Row]
    routes: list[Route]


@dataclass(frozen=True)
class Listened:
    """A router that has listened already: its bounds change what it thinks of transcripts, and not of the sound."""

    router: Router
    routes: list[Route]
    name: str = "listened"
    needs_reference: bool = False

    def route(self, batch: Sequence[Utterance]) -> list[Route]:
        """The route of each clip, whose number is its name."""
        return [self.routes[int(utterance.name)] for utterance in batch]

    def review(self, batch: Sequence[Reviewed]) -> list[Route | None]:
        """As the router does."""
        return self.router.review(batch)

    def keep_second(self, first: Sequence[Reviewed], second: Sequence[Reviewed]) -> list[bool]:
        """As the router does."""
        return self.router.keep_second(first, second)


def router(**settings: object) -> Router:
    """The router in question."""
    return installed_plugins().routers["second_opinion"].create(settings)


def decoded(out: Path, source: str, listener: Router) -> Decoded:
    """Clips with their rows by the base and by the adapter."""
    items = read_items(out / source)
    audios = [read_sample(item.audio, AudioLimits(convert=True)).resampled(RATE_HZ) for item in items]
    base, robust = (read_jsonl(out / name) for name in results(stem(source)))
    return Decoded(audios, base, robust, [route for audio in audios for route in listener.route([Utterance(audio)])])


def counted(policy: Router, everything: list[Decoded]) -> tuple[int, int]:
    """Edits that are left, and clips of which a second opinion was asked."""
    heard = [choose(Listened(policy, one.routes), one.audios, one.base, one.robust) for one in everything]
    rows = list(itertools.chain.from_iterable(heard))
    return sum(row["num_edits"] for row in rows), sum("second opinion" in row["route"] for row in rows)


def main(out: Annotated[Path, typer.Argument(help="The recipe's folder.")]) -> None:
    """Count for every pair of bounds."""
    listener = router(weights=str(out / "router" / "audio_quality.safetensors"))
    everything = [decoded(out, source, listener) for source in SOURCES]
    alone = [sum(row["num_edits"] for one in everything for row in getattr(one, way)) for way in ("base", "robust")]
    lines = [
        f"base {alone[0]} edits, adapter {alone[1]}",
        "",
        "| sure | lost | edits | asked |",
        "| --- | --- | --- | --- |",
    ]
    for sure, lost in itertools.product(SURE, LOST):
        edits, asked = counted(router(sure_logprob=sure, lost_logprob=lost), everything)
        lines.append(f"| {sure} | {lost} | {edits} | {asked} |")
        command.say(lines[-1])
    write_text(out / "report" / "opinions.md", "\n".join(lines) + "\n")


if __name__ == "__main__":
    command.run(main)

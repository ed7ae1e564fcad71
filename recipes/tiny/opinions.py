"""Count the edits that the router second_opinion leaves with each pair of its bounds, on clips decoded both ways.

    python -m recipes.tiny.opinions OUT

OUT is the recipe's folder after ``make reproduce`` and ``recipes.tiny.router_objectives``. The bounds are chosen on
these clips; none of them is in the evaluation sets (``dev/evaluation.jsonl``, ``dev/real.jsonl``).
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
    read_row_audio,
    write_text,
)
from megaasr_plugins.evaluation.evaluate import read_items

from . import command
from .dataset_files import Row
from .reproduce import results, stem
from .routed import RATE_HZ, choose

SOURCES = ("plans/outcome", "plans/outcome_train", "dev/clean.jsonl", "packs/quiet.jsonl")
SURE = (-0.6, -0.8, -1.0)
LOST = (-1.1, -1.2, -1.25, -1.3, -1.4)


@dataclass(frozen=True)
class Decoded:
    """Clips that were decoded by the base and by the adapter.

    Args:
        audios: the decoded audio of each clip.
        base: results of the base, one row a clip.
        robust: results of the adapter, for the same clips in the same order.
        routes: the route of each clip, decided on the audio alone.
    """

    audios: list[Audio]
    base: list[Row]
    robust: list[Row]
    routes: list[Route]


@dataclass(frozen=True)
class FixedRoutes:
    """A router with precomputed first routes: the bounds under test affect the review of transcripts only."""

    router: Router
    routes: list[Route]
    name: str = "fixed_routes"
    kind: str = "router"
    needs_reference: bool = False

    def route(self, batch: Sequence[Utterance]) -> list[Route]:
        """The route of each clip; the name of a clip is its number."""
        return [self.routes[int(utterance.name)] for utterance in batch]

    def review(self, batch: Sequence[Reviewed]) -> list[Route | None]:
        """The review by the wrapped router."""
        return self.router.review(batch)

    def keep_second(self, first: Sequence[Reviewed], second: Sequence[Reviewed]) -> list[bool]:
        """The choice of the wrapped router."""
        return self.router.keep_second(first, second)


def router(**settings: object) -> Router:
    """The router second_opinion with some settings."""
    return installed_plugins().routers["second_opinion"].create(settings)


def decoded(out: Path, source: str, policy: Router) -> Decoded:
    """The clips of a source with their results of the base and of the adapter, and the first routes of a router."""
    items = read_items(out / source)
    audios = [read_row_audio(item.source, AudioLimits(convert=True)).resampled(RATE_HZ) for item in items]
    base, robust = (read_jsonl(out / name) for name in results(stem(source)))
    return Decoded(audios, base, robust, [route for audio in audios for route in policy.route([Utterance(audio)])])


def counted(policy: Router, sets: list[Decoded]) -> tuple[int, int]:
    """The edits that remain with a router, and the number of clips that it had decoded a second time."""
    chosen = [choose(FixedRoutes(policy, clips.routes), clips.audios, clips.base, clips.robust) for clips in sets]
    rows = list(itertools.chain.from_iterable(chosen))
    return sum(row["num_edits"] for row in rows), sum("second opinion" in row["route"] for row in rows)


def main(out: Annotated[Path, typer.Argument(help="The recipe's folder.")]) -> None:
    """Count the remaining edits for every pair of bounds and write OUT/report/opinions.md."""
    policy = router(weights=str(out / "router" / "audio_quality.safetensors"))
    sets = [decoded(out, source, policy) for source in SOURCES]
    base_edits = sum(row["num_edits"] for clips in sets for row in clips.base)
    robust_edits = sum(row["num_edits"] for clips in sets for row in clips.robust)
    lines = [
        f"base {base_edits} edits, adapter {robust_edits}",
        "",
        "| sure | lost | edits | asked |",
        "| --- | --- | --- | --- |",
    ]
    for sure, lost in itertools.product(SURE, LOST):
        edits, asked = counted(router(sure_logprob=sure, lost_logprob=lost), sets)
        lines.append(f"| {sure} | {lost} | {edits} | {asked} |")
        command.say(lines[-1])
    write_text(out / "report" / "opinions.md", "\n".join(lines) + "\n")


if __name__ == "__main__":
    command.run(main)

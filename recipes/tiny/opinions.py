"""Choose the settings of the router second_opinion by the errors that they leave on the clips of the part choose.

    python -m recipes.tiny.opinions OUT --out router/second_opinion.json

OUT is the recipe's folder, with the part choose decoded both ways. The figure of a setting is the mean over the
families of errors / the base's errors, so that every family has the same weight. Of the settings within `EQUAL` of the
best figure, the one with the fewest second decodings is written, beside the weights of the regression. No clip of the
part report is used.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
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
from megaasr_routers.expected_errors import read_expected_errors, to_json

from . import command
from .dataset_files import Row
from .measuring import FITTED, WEIGHTS, results, stem
from .routed import RATE_HZ, choose

SOURCE = "choose.jsonl"
THRESHOLDS = (0.0, 0.05, 0.1, 0.2, 0.5)
SURE = (-0.4, -0.6, -0.8, -1.0, -1.5)
EQUAL = 0.005
"""Difference of two figures that the clips cannot tell apart."""


@dataclass(frozen=True)
class Decoded:
    """Clips that were decoded by the base and by the adapter.

    Args:
        audios: the decoded audio of each clip.
        base: results of the base, one row a clip.
        robust: results of the adapter, for the same clips in the same order.
    """

    audios: list[Audio]
    base: list[Row]
    robust: list[Row]


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


def decoded(out: Path) -> Decoded:
    """The clips of the part choose with their results of the base and of the adapter."""
    items = read_items(out / SOURCE)
    audios = [read_row_audio(item.source, AudioLimits(convert=True)).resampled(RATE_HZ) for item in items]
    base, robust = (read_jsonl(out / name) for name in results(stem(SOURCE)))
    return Decoded(audios, base, robust)


def routes_of(policy: Router, clips: Decoded) -> list[Route]:
    """The route of each clip, decided on the audio alone."""
    return [route for audio in clips.audios for route in policy.route([Utterance(audio)])]


def by_family(rows: Sequence[Row]) -> Counter[str]:
    """The number of errors in each family."""
    counts = Counter[str]()
    for row in rows:
        counts[str(row.get("family"))] += row["num_edits"]
    return counts


def ratios(rows: Sequence[Row], base: Sequence[Row]) -> dict[str, float]:
    """Errors / the base's errors in each family; where the base makes no error, one is assumed."""
    errors, base_errors = by_family(rows), by_family(base)
    return {family: errors[family] / max(count, 1) for family, count in sorted(base_errors.items())}


def measured(policy: Router, clips: Decoded, routes: list[Route]) -> tuple[dict[str, float], int]:
    """The `ratios` that a router leaves, and the number of clips that it had decoded a second time.

    Args:
        routes: the first route of each clip.
    """
    rows = choose(FixedRoutes(policy, routes), clips.audios, clips.base, clips.robust)
    return ratios(rows, clips.base), sum("second opinion" in row["route"] for row in rows)


def best(found: dict[tuple[float, float], tuple[float, int]]) -> tuple[float, float]:
    """The settings to take: within `EQUAL` of the lowest figure, those with the fewest second decodings.

    Args:
        found: for each threshold and bound, the mean ratio and the number of clips that were decoded twice.
    """
    lowest = min(figure for figure, _ in found.values())
    return min(
        (settings for settings in found if found[settings][0] <= lowest + EQUAL),
        key=lambda settings: (found[settings][1], found[settings][0]),
    )


def line(cells: Sequence[object], found: dict[str, float], asked: object) -> str:
    """A line of the table: settings, the mean ratio, the ratio of each family, and the clips decoded twice."""
    figures = [sum(found.values()) / len(found), *found.values()]
    return f"| {' | '.join([*map(str, cells), *(f'{figure:.3f}' for figure in figures), str(asked)])} |"


def main(
    folder: Annotated[Path, typer.Argument(metavar="OUT", help="The recipe's folder.")],
    out: Annotated[Path, typer.Option(help="File of weights and settings to write.")],
) -> None:
    """Measure every combination of threshold and bounds, write OUT/report/opinions.md, and write the best ones."""
    clips = decoded(folder)
    weights, always = str(folder / WEIGHTS), ratios(clips.robust, clips.base)
    fitted = folder / FITTED
    figures = {}
    heads = ["threshold", "sure", "mean", *always, "asked"]
    lines = [f"| {' | '.join(heads)} |", "| --- " * len(heads) + "|", line(("always", "-"), always, 0)]
    for threshold in THRESHOLDS:
        routes = routes_of(router(weights=weights, threshold=threshold), clips)
        for sure in SURE:
            found, asked = measured(router(sure_logprob=sure, opinion=str(fitted)), clips, routes)
            figures[threshold, sure] = sum(found.values()) / len(found), asked
            lines.append(line((threshold, sure), found, asked))
            command.say(lines[-1])
    write_text(folder / "report" / "opinions.md", "\n".join(lines) + "\n")
    threshold, sure = best(figures)
    model = replace(read_expected_errors(fitted), threshold=threshold, sure_logprob=sure)
    write_text(out, json.dumps(to_json(model), indent=1) + "\n")
    command.say(f"{out}: threshold {threshold:g}, sure_logprob {sure:g}")


if __name__ == "__main__":
    command.run(main)

"""What the router makes of clips that were decoded both ways: each clip's row of the base or of the adapter.

    python -m recipes.tiny.routed MANIFEST.jsonl BASE.jsonl ROBUST.jsonl --weights ROUTER.safetensors --out ROUTED.jsonl

A clip's text is the same in any batch, so this gives what ``megaasr eval --router audio_quality`` gives, without
decoding a third time.
"""

from __future__ import annotations

import time
from pathlib import Path
from typing import Annotated

import typer

from megaasr_core.base.audio_files import AudioLimits
from megaasr_core.base.errors import ManifestError
from megaasr_core.base.files import jsonl_line, read_jsonl, write_text
from megaasr_core.contracts.discovery import installed_plugins
from megaasr_core.contracts.router import Route, Router
from megaasr_core.flows.corpus.samples import read_sample
from megaasr_core.flows.evaluation import Item, read_items

from . import command
from .clips import Row

BATCH = 16
RATE_HZ = 16_000


def choose(routes: list[Route], base: list[Row], robust: list[Row]) -> list[Row]:
    """One row a clip, with the route's reason; ManifestError when the three are not of the same clips."""
    names = [[(row.get("id"), row.get("audio")) for row in rows] for rows in (base, robust)]
    if names[0] != names[1] or len(routes) != len(base):
        raise ManifestError("the files of results and the manifest are not of the same clips in the same order")
    return [
        {**(one if route.adapter is None else other), "route": route.reason}
        for route, one, other in zip(routes, base, robust, strict=True)
    ]


def route_all(router: Router, items: list[Item]) -> tuple[list[Route], float]:
    """Where each clip goes, and how many seconds the router took for all, reading and rendering left out."""
    routes: list[Route] = []
    seconds = 0.0
    for start in range(0, len(items), BATCH):
        batch = [read_sample(item.audio, AudioLimits(convert=True)) for item in items[start : start + BATCH]]
        resampled = [audio.resampled(RATE_HZ) for audio in batch]
        started = time.perf_counter()
        routes += router.route(resampled)
        seconds += time.perf_counter() - started
    return routes, seconds


def main(
    manifest: Annotated[Path, typer.Argument(help="Of the clips, or a plan.")],
    base: Annotated[Path, typer.Argument(help="Results of `megaasr eval` by the base.")],
    robust: Annotated[Path, typer.Argument(help="Results of the adapter on the same clips.")],
    weights: Annotated[Path, typer.Option(help="The router's file.")],
    out: Annotated[Path, typer.Option(help="Where the routed results go.")],
) -> None:
    """Choose between two files of results clip by clip, as the router does."""
    router = installed_plugins().routers["audio_quality"].create({"weights": str(weights)})
    items = read_items(manifest)
    routes, seconds = route_all(router, items)
    rows = choose(routes, read_jsonl(base), read_jsonl(robust))
    write_text(out, "".join(map(jsonl_line, rows)))
    adapted = sum(route.adapter is not None for route in routes)
    command.say(f"{out}: {adapted} of {len(rows)} clips to the adapter, {1000 * seconds / len(rows):.1f} ms a clip")


if __name__ == "__main__":
    command.run(main)

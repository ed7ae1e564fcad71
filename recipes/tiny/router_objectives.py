"""Train a router by outcome and compare it with the recipe's router by label, on clips decoded both ways.

    python -m recipes.tiny.router_objectives OUT

OUT is the recipe's folder after ``make reproduce``. The router by outcome is trained on clips decoded both ways.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from . import command
from .measuring import CLUSTER, both_ways, result, results, stem
from .reproduce import plan
from .running import HERE, Step, finished, megaasr, recipe, run

LEARNED_FROM = ("plans/outcome_train", "packs/quiet.jsonl")
SOURCE = "choose.jsonl"
"""The clips to compare on: what is chosen by this table is not reported on the same clips."""


def steps() -> list[Step]:
    """The steps that make the outcomes, train the router and compare both routers."""
    listed = [
        plan("outcome_train", "all", 240, 31, "packs/manifest.jsonl"),
        recipe("join_manifests quiet", "packs/clean.jsonl", "--out", "packs/quiet.jsonl"),
        *map(both_ways, LEARNED_FROM),
    ]
    listed += [
        recipe(f"outcomes of {name}", *results(name), "--out", f"results/{name}.jsonl")
        for name in map(stem, LEARNED_FROM)
    ]
    config = str(HERE / "router_outcome.yaml")
    listed.append(megaasr("train router by outcome", "train", "router", config, "-o", "router_outcome"))
    name, (base, robust) = stem(SOURCE), results(stem(SOURCE))
    chosen, weights = result(name, "by_outcome"), ("--weights", "router_outcome/audio_quality.safetensors")
    systems = (f"by_label={result(name, 'by_sound')}", f"by_outcome={chosen}", f"robust={robust}")
    written = ("--report", f"report/{name}_routers.md", "--summary", f"report/{name}_routers.json")
    compared = ("compare", base, *systems, "--oracle", "robust", "--by", "family", *CLUSTER, *written)
    return [
        *listed,
        recipe(f"routed by_outcome {name}", SOURCE, base, robust, *weights, "--out", chosen),
        megaasr(f"compare routers {name}", *compared),
    ]


def main(out: Annotated[Path, typer.Argument(help="The recipe's folder.")]) -> None:
    """Train a router by outcome and compare it with the router by label."""
    digest = finished(out)
    for step in steps():
        digest = run(step, out, digest)
    command.say(f"{out}/report/{stem(SOURCE)}_routers.md")


if __name__ == "__main__":
    command.run(main)

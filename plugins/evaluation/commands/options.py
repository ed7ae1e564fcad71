"""Options that `megaasr eval` and `megaasr compare` share, and those of the guard `--never-worse`."""

from __future__ import annotations

from typing import Annotated

import typer

ByOption = Annotated[
    list[str] | None,
    typer.Option(
        "--by",
        metavar="FIELD",
        help="Slice by effect, effects (how many), severity (its third), or any field of the rows. Repeatable.",
    ),
]
ClusterOption = Annotated[
    str | None,
    typer.Option(
        "--cluster",
        metavar="FIELD",
        help="What intervals resample: speaker, sentence, row, or a field. Default: speakers if there are 10, else "
        "sentences.",
    ),
]
SeedOption = Annotated[int, typer.Option("--seed", help="Seed of the bootstrap.")]
MarginOption = Annotated[
    float | None,
    typer.Option(
        "--margin",
        metavar="POINTS",
        help="Difference that --never-worse allows. Default: 1.0 for slices of degraded rows alone, else 0.5.",
    ),
]
MinClustersOption = Annotated[
    int, typer.Option("--min-clusters", help="With fewer clusters in a slice --never-worse cannot tell.")
]
MinWordsOption = Annotated[
    int | None,
    typer.Option(
        "--min-words",
        help="With fewer words in a slice --never-worse cannot tell. Default: 3 / margin (300 for 1.0).",
    ),
]
MaxFailedOption = Annotated[
    float, typer.Option("--max-failed", help="Share of failed rows of a run above which --never-worse cannot pass.")
]

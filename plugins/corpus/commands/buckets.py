"""`megaasr corpus buckets`: the training manifests of the curriculum."""

from __future__ import annotations

import json
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from megaasr.commands import JsonOption


def buckets(
    labelled: Annotated[Path, typer.Argument(metavar="LABELLED.jsonl", help="What `megaasr corpus label` wrote.")],
    limits: Annotated[
        list[float], typer.Argument(metavar="WER...", min=0.0, help="E.g. 0.3 0.5 0.7, as in the paper.")
    ],
    out: Annotated[Path, typer.Option("--out", "-o", metavar="FOLDER", help="Where the manifests go.")],
    sample: Annotated[int | None, typer.Option(min=1, help="At most so many rows of each, chosen by chance.")] = None,
    seed: Annotated[int, typer.Option(help="Of that chance.")] = 0,
    as_json: JsonOption = False,
) -> None:
    """Write a manifest of the rows below each WER: wer-below-0.30.jsonl and so on, from easy to hard.

    A row is in every manifest that it fits, as in the paper's first phase (below 30 %, then 50 %, then 70 %).

    Example: megaasr corpus buckets corpus/labelled.jsonl 0.3 0.5 0.7 -o corpus/buckets
    """
    from ..labelling.select import bucket_rows

    chosen = bucket_rows(labelled, limits, out, sample=sample, seed=seed)
    if as_json:
        sys.stdout.write(json.dumps([{**asdict(one), "path": str(one.path)} for one in chosen]) + "\n")
        return
    for one in chosen:
        sys.stdout.write(f"{one.path}: {one.kept} of {one.of} rows\n")
    if chosen[0].unlabelled:
        sys.stdout.write(f"{chosen[0].unlabelled} rows had no label and are left out\n")

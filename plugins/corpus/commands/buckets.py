"""`megaasr corpus buckets`: write the training manifests of a curriculum."""

from __future__ import annotations

import json
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from megaasr.commands import EXIT_SOME_FAILED, JsonOption

from .options import say_each


def buckets(
    labelled: Annotated[Path, typer.Argument(metavar="LABELLED.jsonl", help="Output of `megaasr corpus label`.")],
    limits: Annotated[
        list[float], typer.Argument(metavar="WER...", min=0.0, help="Upper bounds, e.g. 0.3 0.5 0.7, as in the paper.")
    ],
    out: Annotated[Path, typer.Option("--out", "-o", metavar="FOLDER", help="Output folder of the manifests.")],
    sample: Annotated[
        int | None, typer.Option(min=1, help="Maximum number of rows per manifest, drawn at random.")
    ] = None,
    seed: Annotated[int, typer.Option(help="Seed of the random draw.")] = 0,
    as_json: JsonOption = False,
) -> None:
    """Write a manifest of the rows below each WER: wer-below-0.30.jsonl and so on, from easy to hard.

    A row is in the manifest of every limit above its WER, as in the paper's first phase (30 %, then 50 %, then 70 %).

    Example: megaasr corpus buckets corpus/labelled.jsonl 0.3 0.5 0.7 -o corpus/buckets
    """
    from ..labelling.select import bucket_rows

    selections = bucket_rows(labelled, limits, out, sample=sample, seed=seed)
    if as_json:
        objects = [{**asdict(selection), "path": str(selection.path)} for selection in selections]
        sys.stdout.write(json.dumps(objects) + "\n")
    else:
        for selection in selections:
            sys.stdout.write(f"{selection.path}: {selection.kept} of {selection.of} rows\n")
        if selections[0].unlabelled:
            sys.stdout.write(f"{selections[0].unlabelled} rows had no label and are left out\n")
    if say_each((f"failed: {line}" for line in selections[0].failed), labelled):
        raise typer.Exit(EXIT_SOME_FAILED)

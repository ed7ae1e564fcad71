"""`megaasr corpus filter`: drop rows whose base WER is out of bounds, such as unintelligible samples."""

from __future__ import annotations

import json
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from megaasr.commands import EXIT_SOME_FAILED, JsonOption

from .options import say_each


def filter_(
    context: typer.Context,
    labelled: Annotated[Path, typer.Argument(metavar="LABELLED.jsonl", help="Output of `megaasr corpus label`.")],
    output: Annotated[
        Path,
        typer.Option("--output", "-o", metavar="OUT.jsonl", help="Manifest of the kept rows; - is standard output."),
    ],
    max_wer: Annotated[float | None, typer.Option(min=0.0, help="Keep rows below this WER; 0.7 in the paper.")] = None,
    min_wer: Annotated[float | None, typer.Option(min=0.0, help="Keep rows with at least this WER.")] = None,
    drop_flags: Annotated[
        str | None, typer.Option(help="Drop rows with one of these base_flags, e.g. empty,repetitive.")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Keep the rows whose base WER is within bounds; rows without a label are left out and counted.

    The output may be in another folder: the audio paths are adapted.

    Example: megaasr corpus filter corpus/labelled.jsonl --max-wer 0.7 -o corpus/train.jsonl
    """
    from megaasr import ParameterError, held_outputs, is_standard_output

    from ..labelling.select import filter_rows

    flags = [flag.strip() for flag in drop_flags.split(",")] if drop_flags else []
    if max_wer is None and min_wer is None and not flags:
        raise ParameterError("nothing to filter by: give --max-wer, --min-wer or --drop-flags")
    context.with_resource(held_outputs([output], [labelled]))
    selection = filter_rows(labelled, output, max_wer=max_wer, min_wer=min_wer, drop_flags=flags)
    if is_standard_output(output):
        return
    if as_json:
        sys.stdout.write(json.dumps({**asdict(selection), "path": str(selection.path)}) + "\n")
    else:
        sys.stdout.write(
            f"{output}: {selection.kept} of {selection.of} rows kept; {selection.unlabelled} had no label\n"
        )
    if say_each((f"failed: {line}" for line in selection.failed), labelled):
        raise typer.Exit(EXIT_SOME_FAILED)

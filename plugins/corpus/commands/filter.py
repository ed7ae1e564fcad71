"""`megaasr corpus filter`: drop what the base model cannot hear at all."""

from __future__ import annotations

import json
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from megaasr.commands import JsonOption


def filter_(
    labelled: Annotated[Path, typer.Argument(metavar="LABELLED.jsonl", help="What `megaasr corpus label` wrote.")],
    output: Annotated[Path, typer.Option("--output", "-o", metavar="OUT.jsonl", help="The rows that are kept.")],
    max_wer: Annotated[float | None, typer.Option(min=0.0, help="Keep rows up to this WER; 0.7 in the paper.")] = None,
    min_wer: Annotated[float | None, typer.Option(min=0.0, help="Keep rows from this WER on.")] = None,
    drop_flags: Annotated[
        str | None, typer.Option(help="Drop rows with one of these flags of the base's words, e.g. empty,repetitive.")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Keep the rows whose base WER is within bounds; rows that could not be labelled are left out and counted.

    The output may lie in another folder: the audio is then named from there.

    Example: megaasr corpus filter corpus/labelled.jsonl --max-wer 0.7 -o corpus/train.jsonl
    """
    from megaasr import ParameterError, check_outputs

    from ..labelling.select import filter_rows

    flags = [one.strip() for one in drop_flags.split(",")] if drop_flags else []
    if max_wer is None and min_wer is None and not flags:
        raise ParameterError("nothing to filter by: give --max-wer, --min-wer or --drop-flags")
    check_outputs([output], [labelled])
    chosen = filter_rows(labelled, output, max_wer=max_wer, min_wer=min_wer, drop_flags=flags)
    if as_json:
        sys.stdout.write(json.dumps({**asdict(chosen), "path": str(chosen.path)}) + "\n")
    else:
        sys.stdout.write(f"{output}: {chosen.kept} of {chosen.of} rows kept; {chosen.unlabelled} had no label\n")

"""`megaasr corpus rl`: select labelled rows for reinforcement learning and write them as RL JSONL."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Annotated

import typer

from megaasr.commands import EXIT_SOME_FAILED, JsonOption, say

from .options import say_each


def rl(
    context: typer.Context,
    labelled: Annotated[Path, typer.Argument(metavar="LABELLED.jsonl", help="Output of `megaasr corpus label`.")],
    count: Annotated[int, typer.Option(min=1, help="Rows to draw.")],
    output: Annotated[
        Path, typer.Option("--output", "-o", metavar="RL.jsonl", help="The RL JSONL; - is standard output.")
    ],
    bins: Annotated[
        str, typer.Option(metavar="WER,...", help="Bounds between the bins of base_wer, ascending.")
    ] = "0.1,0.3,0.7",
    shares: Annotated[
        str, typer.Option(metavar="SHARE,...", help="Share of the drawn rows of each bin, one more than bounds.")
    ] = "0.1,0.2,0.4,0.3",
    seed: Annotated[int, typer.Option(help="Seed of the random draw.")] = 0,
    prompt: Annotated[
        str | None, typer.Option(metavar="TEXT", help="Text behind <audio> in the user's message; none by default.")
    ] = None,
    absolute: Annotated[
        bool, typer.Option("--absolute", help="Write absolute paths of recordings, not paths relative to the output.")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Draw rows for reinforcement learning: few that the base hears well, more of those that it hears badly.

    Rows are binned by base_wer, each bin has its share of the drawn rows, and no row is drawn twice. A bin with fewer
    rows than its share gives all of them, and the others make up for it in proportion to their shares. The draw depends
    on the seed and the ids of the rows alone. The output is the RL JSONL of ms-swift: messages, audios, solution,
    prediction, base_wer, meta; every command reads it as a manifest. Rows without a label are left out and counted.

    Example: megaasr corpus rl corpus/labelled.jsonl --count 10000 --seed 1 -o corpus/rl.jsonl
    """
    from megaasr import held_outputs, is_standard_output

    from ..labelling.rl_sampling import RlSampling
    from ..labelling.rl_selection import select_rl_rows

    sampling = RlSampling(count, _numbers("--bins", bins), _numbers("--shares", shares), seed)
    context.with_resource(held_outputs([output], [labelled]))
    selection = select_rl_rows(labelled, output, sampling, prompt=prompt, absolute=absolute)
    for note in selection.notes():
        say(f"megaasr: note: {note}")
    if not is_standard_output(output):
        if as_json:
            summary = {"path": str(output), **selection.as_json()}
            sys.stdout.write(json.dumps(summary, ensure_ascii=False) + "\n")
        else:
            sys.stdout.write(f"{output}: {selection.after.rows} of {selection.before.rows} rows drawn\n")
            sys.stdout.writelines(line + "\n" for line in selection.lines())
            if selection.unlabelled:
                sys.stdout.write(f"{selection.unlabelled} rows had no label and are left out\n")
    if say_each((f"failed: {line}" for line in selection.failed), labelled):
        raise typer.Exit(EXIT_SOME_FAILED)


def _numbers(option: str, text: str) -> tuple[float, ...]:
    """The numbers of an option, with commas between; none where it is empty."""
    from megaasr import ParameterError

    try:
        return tuple(float(part) for part in text.split(",")) if text.strip() else ()
    except ValueError as error:
        raise ParameterError(f"{option} is {text!r}; numbers with commas between are expected") from error

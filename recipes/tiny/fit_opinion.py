"""Fit the weights by which second_opinion chooses between two transcripts, on clips of the part train.

    python -m recipes.tiny.fit_opinion BASE.jsonl ROBUST.jsonl --out router/expected_errors.json

The clips were decoded by the base and by the adapter. Those where a transcript went astray or is empty are left out,
since the router decides them by rules.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from megaasr import ManifestError, Transcript, read_jsonl, write_text
from megaasr_routers.expected_errors import ExpectedErrors, features, fit, to_json
from megaasr_routers.second_opinion import ASTRAY

from . import command
from .dataset_files import Row
from .outcomes import check_same


def transcript(row: Row) -> Transcript:
    """The transcript of a row of results."""
    return Transcript(row["prediction"], row["language"], row["mean_logprob"], flags=tuple(row["flags"]))


def fitted(base: list[Row], robust: list[Row]) -> tuple[ExpectedErrors, str]:
    """The weights, and a line on the errors that they leave on the clips that they were fitted to.

    Args:
        base: results of the base, one row a clip.
        robust: results of the adapter, for the same clips in the same order.

    Raises:
        ManifestError: the files are not of the same clips, or no clip tells the systems apart.
    """
    check_same(base, robust)
    examples, saved, pairs = [], [], []
    for by_base, by_robust in zip(base, robust, strict=True):
        heard = transcript(by_robust), transcript(by_base)
        known = features(*heard, by_base["audio_s"])
        is_plain = all(one.text.strip() and not ASTRAY.intersection(one.flags) for one in heard)
        if known is not None and is_plain:
            examples.append(known)
            saved.append(by_base["num_edits"] - by_robust["num_edits"])
            pairs.append((by_robust, by_base, heard))
    try:
        model = fit(examples, saved)
    except ValueError as error:
        raise ManifestError(f"{len(base)} clips: {error}") from error
    left = sum(
        (robust if model.p_adapter(*heard, base["audio_s"]) >= 0.5 else base)["num_edits"]
        for robust, base, heard in pairs
    )
    counts = [sum(pair[place]["num_edits"] for pair in pairs) for place in (0, 1)]
    best = sum(min(robust["num_edits"], base["num_edits"]) for robust, base, _ in pairs)
    return model, (
        f"{len(pairs)} clips, {model.examples} with different numbers of errors; errors of the base {counts[1]}, "
        f"of the adapter {counts[0]}, as chosen {left}, of the better one {best}"
    )


def main(
    base: Annotated[Path, typer.Argument(help="Results of `megaasr eval` by the base.")],
    robust: Annotated[Path, typer.Argument(help="Results of the adapter on the same clips.")],
    out: Annotated[Path, typer.Option(help="File of the weights to write.")],
) -> None:
    """Fit the weights of second_opinion."""
    model, told = fitted(read_jsonl(base), read_jsonl(robust))
    out.parent.mkdir(parents=True, exist_ok=True)
    write_text(out, json.dumps(to_json(model), indent=1) + "\n")
    command.say(f"{out}: {told}")


if __name__ == "__main__":
    command.run(main)

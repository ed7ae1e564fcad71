"""`megaasr reward`: what each reward term says about hypotheses and references."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Annotated

import typer

from .context import JsonOption, PluginOption, StrictOption, open_plugins


def reward(
    hyp: Annotated[Path, typer.Option(metavar="FILE", help="Hypotheses, one a line; - is standard input.")],
    ref: Annotated[Path, typer.Option(metavar="FILE", help="References, one a line.")],
    name: Annotated[
        list[str] | None, typer.Option("--reward", help="Only this reward. Repeatable; all of them if left out.")
    ] = None,
    compose: Annotated[
        Path | None, typer.Option(metavar="YAML", help="A reward composed of terms; adds a total.")
    ] = None,
    language: Annotated[str, typer.Option(help="ISO 639-1 code; zh is scored by character.")] = "en",
    as_json: JsonOption = False,
    plugin: PluginOption = None,
    strict_plugins: StrictOption = False,
) -> None:
    """Print every reward term by name, for each line and in the mean.

    Example: megaasr reward --hyp hypotheses.txt --ref references.txt
    """
    from ..base.errors import ManifestError, ParameterError
    from ..base.files import read_text
    from ..base.text import language_code
    from ..contracts.reward import RewardSample, checked_scores
    from ..flows.composed_reward import read_reward

    if name and compose:
        raise ParameterError("give either --reward NAME or --compose YAML")
    code = language_code(language)
    plugins = open_plugins(plugin, strict_plugins)
    hypotheses = (sys.stdin.read() if str(hyp) == "-" else read_text(hyp)).removesuffix("\n").split("\n")
    references = read_text(ref).removesuffix("\n").split("\n")
    if len(hypotheses) != len(references):
        raise ManifestError(
            f"{hyp} has {len(hypotheses)} lines and {ref} has {len(references)}: one for one is expected"
        )
    batch = [RewardSample(h, r, code) for h, r in zip(hypotheses, references, strict=True)]
    if compose:
        scores = read_reward(compose, plugins.rewards).score_terms(batch)
    else:
        scores = {one: checked_scores(plugins.rewards[one].create(), batch) for one in name or plugins.rewards}
    means = {
        term: sum(known) / len(known) if (known := [s for s in column if s is not None]) else None
        for term, column in scores.items()
    }
    if as_json:
        rows = [
            {"hypothesis": one.hypothesis, "reference": one.reference, **{t: column[i] for t, column in scores.items()}}
            for i, one in enumerate(batch)
        ]
        sys.stdout.write(json.dumps({"rows": rows, "mean": means}, ensure_ascii=False, indent=1) + "\n")
        return
    width = max(len(term) for term in scores)
    for index, one in enumerate(batch):
        sys.stdout.write(f"{index + 1}: {one.hypothesis}\n")
        for term, column in scores.items():
            sys.stdout.write(f"   {term:<{width}}  {_shown(column[index])}\n")
    sys.stdout.write(f"mean of {len(batch)}\n")
    for term, mean in means.items():
        sys.stdout.write(f"   {term:<{width}}  {_shown(mean)}\n")


def _shown(score: float | None) -> str:
    return "abstains" if score is None else f"{score:8.4f}"

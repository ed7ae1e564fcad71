"""`megaasr reward`: scores of each reward term for hypotheses and references."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from megaasr.commands import EXIT_SOME_FAILED, JsonOption, PluginOption, StrictOption, open_plugins, parse_settings, say

if TYPE_CHECKING:
    from megaasr import RewardSample, TermScores


def reward(
    results: Annotated[
        Path | None, typer.Argument(metavar="RESULTS.jsonl", help="Rows of `megaasr eval`; or give --hyp and --ref.")
    ] = None,
    hyp: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Hypotheses, one a line; - is standard input.")
    ] = None,
    ref: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="References, one a line in the same order, or with ids: words (id)."),
    ] = None,
    name: Annotated[
        list[str] | None, typer.Option("--reward", help="Only this reward. Repeatable; all of them if left out.")
    ] = None,
    reward_set: Annotated[
        list[str] | None,
        typer.Option("--reward-set", metavar="REWARD.FIELD=VALUE", help="A setting of a reward. Repeatable."),
    ] = None,
    compose: Annotated[
        Path | None, typer.Option(metavar="YAML", help="A reward composed of terms; adds a total.")
    ] = None,
    language: Annotated[
        str, typer.Option(help="Code, tag or English name of a language, of rows that name none.")
    ] = "en",
    as_json: JsonOption = False,
    plugin: PluginOption = None,
    strict_plugins: StrictOption = False,
) -> None:
    """Print every reward term by name, for each row and in the mean.

    All other fields of a row of RESULTS.jsonl, such as base_wer, reach the rewards as `meta`. A reward that fails on a
    row is reported, the others are scored, and the exit code is 1.

    Example: megaasr reward --hyp hypotheses.txt --ref references.txt
    """
    from megaasr import ParameterError, language_code, normaliser_version, read_reward, term_scores

    from ..reward_choice import chosen_rewards, settings_by_reward
    from ..rewards import failure_lines

    if (name or reward_set) and compose:
        raise ParameterError("give either --reward NAME or --compose YAML, whose terms hold their settings")
    code = language_code(language)
    plugins = open_plugins(plugin, strict_plugins)
    settings = settings_by_reward(parse_settings(reward_set), plugins.rewards)
    batch, names, broken = _samples(results, hyp, ref, code)
    normalisers = {spoken: normaliser_version(spoken) for spoken in sorted({one.language for one in batch})}
    if compose:
        columns = read_reward(compose, plugins.rewards).term_scores(batch)
    else:
        rewards, left_out = chosen_rewards(plugins.rewards, name, settings)
        for line in left_out:
            say(f"megaasr: note: {line}")
        columns = {term: term_scores(built, batch) for term, built in rewards.items()}
    _print(batch, names, columns, normalisers if as_json else None)
    if lines := [*broken, *failure_lines(columns, names)]:
        for line in lines:
            say(f"megaasr: failed: {line}")
        raise typer.Exit(EXIT_SOME_FAILED)


def _samples(
    results: Path | None, hyp: Path | None, ref: Path | None, language: str
) -> tuple[list[RewardSample], list[str], list[str]]:
    """The samples, a name for each (its line, and its recording where there is one), and the faults of other rows."""
    from megaasr import BrokenRow, ManifestError, ParameterError, RewardSample, read_text, tried_rows

    from ..paired_texts import paired_lines
    from ..pairing import utterance_of
    from ..rewards import sample_of

    if results is not None:
        if hyp or ref:
            raise ParameterError("give either RESULTS.jsonl or --hyp FILE with --ref FILE")
        rows = list(tried_rows(results))
        scored = [(where, row) for where, row in rows if "error" not in row]
        if len(scored) < len(rows):
            say(f"megaasr: note: {len(rows) - len(scored)} of {len(rows)} rows failed in the evaluation; left out")
        broken = [str(row.fault) for _, row in scored if isinstance(row, BrokenRow)]
        scored = [(where, row) for where, row in scored if not isinstance(row, BrokenRow)]
        if broken and not scored:
            raise ManifestError(broken[0])
        named = [f"{where.rpartition(', ')[2]} ({utterance_of(row)})" for where, row in scored]
        return [sample_of(row, where, language) for where, row in scored], named, broken
    if hyp is None or ref is None:
        raise ParameterError("give RESULTS.jsonl, or --hyp FILE with --ref FILE")
    hypotheses = (sys.stdin.read() if str(hyp) == "-" else read_text(hyp)).removesuffix("\n").split("\n")
    references = read_text(ref).removesuffix("\n").split("\n")
    pairs = paired_lines(hypotheses, references, (str(hyp), str(ref)))
    return [RewardSample(h, r, language) for _, h, r in pairs], [name for name, _, _ in pairs], []


def _print(
    batch: list[RewardSample],
    names: list[str],
    columns: Mapping[str, TermScores],
    normalisers: Mapping[str, str] | None,
) -> None:
    """JSON where the normalisers are given, which it names; else lines for people."""
    from megaasr import coverage

    summaries = {term: column.summary() for term, column in columns.items()}
    if normalisers is not None:
        rows: list[dict[str, Any]] = []
        for index, sample in enumerate(batch):
            texts = {"hypothesis": sample.hypothesis, "reference": sample.reference}
            errors = {term: column.errors[index] for term, column in columns.items() if index in column.errors}
            audio = {key: sample.meta[key] for key in ("id", "audio", "audio_path") if key in sample.meta}
            scores = {term: column.scores[index] for term, column in columns.items()}
            rows.append({**audio, **texts, **scores, **({"errors": errors} if errors else {})})
        means = {term: summary["mean"] for term, summary in summaries.items()}
        counts = {
            term: {key: value for key, value in summary.items() if key != "mean"} for term, summary in summaries.items()
        }
        data = {"rows": rows, "mean": means, "counts": counts, "normalisers": normalisers}
        sys.stdout.write(json.dumps(data, ensure_ascii=False, indent=1) + "\n")
        return
    width = max(map(len, columns), default=0)
    for index, sample in enumerate(batch):
        sys.stdout.write(f"{names[index].removeprefix('line ')}: {sample.hypothesis}\n")
        for term, column in columns.items():
            failed = "  failed" if index in column.errors else _shown(column.scores[index])
            sys.stdout.write(f"   {term:<{width}}  {failed}\n")
    sys.stdout.write("mean\n")
    for term, summary in summaries.items():
        shown = f"{summary['mean']:8.4f}" if summary["mean"] is not None else "    none"
        sys.stdout.write(f"   {term:<{width}}  {shown}  {coverage(summary)}\n")


def _shown(score: float | None) -> str:
    return "abstains" if score is None else f"{score:8.4f}"

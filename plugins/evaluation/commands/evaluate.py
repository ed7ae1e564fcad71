"""`megaasr eval`: a manifest in, scored rows and a report out."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from megaasr.commands import (
    EXIT_SOME_FAILED,
    AdapterOption,
    BackendOption,
    BackendSetOption,
    BatchSizeOption,
    DecodeOption,
    JsonOption,
    LanguageOption,
    PluginOption,
    RouterOption,
    RouterSetOption,
    StrictOption,
    hand_out,
    open_plugins,
    open_transcriber,
    say,
)

from .guard import add_comparison
from .options import (
    ByOption,
    ClusterOption,
    MarginOption,
    MaxFailedOption,
    MinClustersOption,
    MinWordsOption,
    SeedOption,
)

if TYPE_CHECKING:
    from megaasr import RunRecord, TermScores

    from ..evaluate import Item


def evaluate(
    context: typer.Context,
    manifest: Annotated[Path, typer.Argument(metavar="IN.jsonl|PLAN/", help="Rows with audio and answer, or a plan.")],
    output: Annotated[
        Path, typer.Argument(metavar="OUT.jsonl", help="Where the scored rows go; - is standard output.")
    ],
    adapter: AdapterOption = None,
    router: RouterOption = None,
    router_set: RouterSetOption = None,
    backend: BackendOption = None,
    backend_set: BackendSetOption = None,
    decode: DecodeOption = None,
    language: LanguageOption = None,
    batch_size: BatchSizeOption = 8,
    convert: Annotated[bool, typer.Option("--convert", help="Mix channels to mono, accept any sample rate.")] = False,
    compare: Annotated[
        Path | None, typer.Option(metavar="OTHER.jsonl", help="Results to compare with, in pairs.")
    ] = None,
    never_worse: Annotated[
        Path | None,
        typer.Option(metavar="BASE.jsonl", help="Compare, and exit 0 only if no slice is worse by more than --margin."),
    ] = None,
    margin: MarginOption = None,
    min_clusters: MinClustersOption = 10,
    min_words: MinWordsOption = None,
    max_failed: MaxFailedOption = 0.01,
    by: ByOption = None,
    cluster: ClusterOption = None,
    compose: Annotated[
        Path | None,
        typer.Option(metavar="YAML", help="Also score each row by a composed reward: its field `rewards`."),
    ] = None,
    reuse: Annotated[bool, typer.Option("--reuse", help="OUT.jsonl is there: report on it, decode nothing.")] = False,
    report: Annotated[Path | None, typer.Option(metavar="FILE.md", help="Also write the report here.")] = None,
    summary: Annotated[
        Path | None, typer.Option(metavar="FILE.json", help="Also write the report as JSON here.")
    ] = None,
    seed: SeedOption = 0,
    as_json: JsonOption = False,
    plugin: PluginOption = None,
    strict_plugins: StrictOption = False,
) -> None:
    """Transcribe a manifest, score every row, and report WER and CER with intervals.

    A run that was killed goes on where it stopped when it is started again. A row that cannot be read is reported, the
    rest is done, and the exit code is 1, as it is where a term of --compose fails. With --never-worse it is 3 where a
    slice is worse than the base, else 4 where there is too little evidence for one. With --reuse and --compose the
    field `rewards` is added to the rows of OUT.jsonl. OUT.jsonl.run.json says which run made them; --reuse reports that
    run, and refuses what is named here and did not make the rows.

    Example: megaasr eval test.jsonl results.jsonl --adapter robust/ --compare base.jsonl --report report.md
    """
    from megaasr import (
        AudioLimits,
        ParameterError,
        RunRecord,
        check_outputs,
        hardware,
        held_outputs,
        is_stream,
        normaliser_version,
        read_jsonl,
        read_reward,
        read_text,
        record_path,
        recordings_state,
        transcriber_identity,
    )

    from ..clusters import check_cluster
    from ..evaluate import evaluate as evaluated
    from ..evaluate import read_items
    from ..never_worse import Rules
    from ..pairing import check_comparable
    from ..report import markdown
    from ..rewards import columns_of, rewarded, rewards_identity, rewards_summary
    from ..runs import manifest_digest, reused
    from ..slicing import SCORED_FIELDS, check_fields
    from ..summary import summarise

    if compare and never_worse:
        raise ParameterError("--never-worse compares with its base already; leave out --compare")
    other, rules = never_worse or compare, Rules(margin, min_clusters, min_words, max_failed)
    if never_worse is None and rules != Rules():
        raise ParameterError("--margin, --min-clusters, --min-words and --max-failed need --never-worse BASE.jsonl")
    plugins = open_plugins(plugin, strict_plugins)
    if not (items := read_items(manifest, language, plugins)):
        raise ParameterError(f"{manifest}: holds no rows")
    normalisers = {spoken: normaliser_version(spoken) for spoken in sorted({item.language for item in items})}
    base = read_jsonl(other) if other else None
    if base is not None:  # before the work, not after it
        check_comparable([{**item.row, "normaliser": normalisers[item.language]} for item in items], base)
    usable = [item.row for item in items if not item.fault]
    check_fields(usable, by or (), SCORED_FIELDS)
    check_cluster(usable, cluster)
    context.with_resource(held_outputs((output, report, summary), (manifest, other, compose)))
    if not is_stream(output):
        check_outputs((record_path(output), report, summary), (manifest, other, compose))
    composed = read_reward(compose, plugins.rewards) if compose else None
    parts: dict[str, Any] = {
        "manifest": manifest_digest(items),
        "recordings": recordings_state((item.audio for item in items), plugins),
        **({"rewards": rewards_identity(composed, read_text(compose), plugins)} if compose and composed else {}),
    }
    if reuse:
        rows, run = reused(context, output, items, plugins, composed, parts)
    else:
        transcriber = open_transcriber(
            plugins,
            backend,
            backend_set,
            router,
            router_set,
            adapter,
            language,
            batch_size,
            decode,
        )
        identity = transcriber_identity(transcriber, plugins, adapter, {"convert": convert})
        settings = {
            "manifest": str(manifest),
            "backend": transcriber.backend.name,
            "backend_set": backend_set,
            "decode": decode,
            "adapter": str(adapter) if adapter else None,
            "router": transcriber.router.name,
            "router_set": router_set,
            "batch_size": batch_size,
        }
        run = RunRecord(
            {**identity, **parts, "normalisers": normalisers}, {"settings": settings, "hardware": hardware()}
        )
        limits = AudioLimits(convert=convert)
        rows = _resumed(
            output,
            run,
            items,
            lambda left: rewarded(evaluated(left, transcriber, limits, plugins), composed, batch_size),
        )
    columns = columns_of(rows) if composed else {}
    named = {"compare": str(other) if other else None, "compose": str(compose) if compose else None}
    found: dict[str, Any] = {
        "settings": {
            **(run.told.get("settings", {}) if run else {"manifest": str(manifest)}),
            **named,
            "by": ", ".join(by) if by else None,
        },
        "run": {"id": run.id, **run.identity} if run else None,
        "hardware": run.told.get("hardware") if run else None,
        "summary": {**summarise(rows, seed, by or (), cluster), **rewards_summary(columns)},
    }
    how = (seed, by or (), cluster)
    verdict = 0 if base is None else add_comparison(found, rows, base, rules if never_worse else None, how)
    hand_out(found, markdown(found), report, summary, as_json, rows=output)
    failed = EXIT_SOME_FAILED if _some_failed(rows, columns) else 0
    if code := verdict or failed:
        raise typer.Exit(code)


def _resumed(
    output: Path, run: RunRecord, items: list[Item], evaluated: Callable[[list[Item]], Iterator[dict[str, Any]]]
) -> list[dict[str, Any]]:
    """The rows of all items: those that this run wrote to `output` before it was killed, and the rest, written now."""
    from megaasr import progress, resumable_rows

    with resumable_rows(output, run, due=len(items)) as out:
        if out.note:
            say(f"megaasr: note: {out.note}")
        if out.done:
            say(f"megaasr: note: {len(out.done)} of {len(items)} rows are done already")
        remaining = items[len(out.done) :]
        for row in progress(evaluated(remaining), total=len(remaining), what="utterances"):
            out.append(row)
        return out.done


def _some_failed(rows: list[dict[str, Any]], columns: Mapping[str, TermScores]) -> bool:
    """Say each row and each reward term that failed; whether any did."""
    from ..pairing import utterance_of
    from ..rewards import failure_lines

    terms = failure_lines(columns, [utterance_of(row) for row in rows if "error" not in row])
    for line in terms:
        say(f"megaasr: failed: {line}")
    failed = [row for row in rows if "error" in row]
    for row in failed:
        say(f"megaasr: failed: {row['error']}")
    if failed:
        say(f"megaasr: {len(failed)} of {len(rows)} rows failed")
    return bool(failed or terms)

"""`megaasr corpus plan`: assign scenarios to recordings and draw every parameter."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Annotated

import typer

from megaasr.commands import (
    EXIT_SOME_FAILED,
    BankOption,
    JsonOption,
    NoiseOption,
    PluginOption,
    RirOption,
    StrictOption,
    named_banks,
    open_plugins,
    say,
)

from .options import EngineOption, EngineSetOption, WorkersOption, open_engine, say_each


def plan(
    speech: Annotated[Path, typer.Option(metavar="M.jsonl", help="Clean recordings: rows with audio and text.")],
    scenarios: Annotated[
        str, typer.Option(help="all (the 54), NAME, .yaml file, or file with one of these per line; commas between.")
    ],
    count: Annotated[int, typer.Option(min=1, help="Samples to plan.")],
    out: Annotated[Path, typer.Option("--out", "-o", metavar="FOLDER", help="Output folder of the plan.")],
    bank: BankOption = None,
    noise: NoiseOption = None,
    rir: RirOption = None,
    severity: Annotated[
        str, typer.Option(metavar="CURVE", help="linear, sqrt-forward, sqrt-backward or gaussian-mid.")
    ] = "linear",
    seed: Annotated[int, typer.Option(help="Seed of all random draws.")] = 0,
    shard_size: Annotated[int, typer.Option(min=1, help="Samples per shard.")] = 1_000,
    convert: Annotated[bool, typer.Option("--convert", help="Mix channels to mono, accept any sample rate.")] = False,
    engine: EngineOption = "local",
    engine_set: EngineSetOption = None,
    workers: WorkersOption = None,
    as_json: JsonOption = False,
    plugin: PluginOption = None,
    strict_plugins: StrictOption = False,
) -> None:
    """Plan a corpus: write a recipe for every sample, in shards that any worker can render.

    All scenarios get equal shares, and every recording is used once before any is used again. A killed run resumes
    where it stopped when it is started again. Recordings that cannot be read are reported and left out; the exit code
    is then 1.

    Example: megaasr corpus plan --speech speech.jsonl --noise noises/ --scenarios all --count 100000 -o plan/
    """
    from megaasr import merge, read_rows

    from ..planning.plan_corpus import UNREADABLE, PlanRequest, plan_corpus
    from ..planning.plugin_sources import absolute_target
    from ..planning.scenario_lists import open_scenarios

    plugins = open_plugins(plugin, strict_plugins)
    chosen = open_scenarios(scenarios, plugins)
    used = {step.primitive for one in chosen for _, step in merge(one, plugins.degradations, plugins.stacking).chain}
    request = PlanRequest(
        speech=speech,
        scenarios=chosen,
        count=count,
        seed=seed,
        curve=severity,
        banks=named_banks(bank, noise, rir, plugins, used),
        shard_size=shard_size,
        convert=convert,
        plugins=tuple(map(absolute_target, plugin or ())),
    )
    for scenario in request.scenarios:
        if plugins.scenarios.get(scenario.name) != scenario:  # `megaasr scenarios` shows what the registered ones drop
            for dropped in merge(scenario, plugins.degradations, plugins.stacking).dropped:
                say(f"megaasr: note: scenario {scenario.name}: {dropped}")
    report = plan_corpus(request, out, plugins, open_engine(plugins, engine, engine_set, workers))
    unreadable = out / UNREADABLE
    left_out = 0
    if unreadable.exists():
        left_out = say_each((f"left out: {row['error']}" for row in read_rows(unreadable)), unreadable)
    for line in report.failed:
        say(f"megaasr: failed: {line}")
    planned = report.settings
    if as_json:
        summary = {
            "complete": planned is not None,
            "settings": planned.model_dump() if planned else None,
            "shards": report.shards,
            "num_shards": report.num_shards,
            "bytes": report.num_bytes,
            "seconds": report.seconds,
            "unreadable": left_out,
            "failed": list(report.failed),
        }
        sys.stdout.write(json.dumps(summary, ensure_ascii=False, indent=1) + "\n")
    elif planned:
        recordings = f"{planned.utterances} recordings" + (f", {left_out} left out" if left_out else "")
        sys.stdout.write(
            f"{out}: {planned.count} samples in {report.num_shards} shards, {len(planned.scenarios)} scenarios, "
            f"{recordings}; {report.shards} shards ({report.num_bytes / 1e6:.1f} MB) in {report.seconds:.1f} s\n"
        )
    if report.failed:
        say(f"megaasr: {len(report.failed)} of {report.num_shards} shards failed; start again to plan them")
    if left_out or report.failed:
        raise typer.Exit(EXIT_SOME_FAILED)

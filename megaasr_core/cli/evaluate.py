"""`megaasr eval`: a manifest in, scored rows and a report out."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from .context import EXIT_SOME_FAILED, JsonOption, PluginOption, StrictOption, open_plugins, say
from .listening import (
    AdapterOption,
    BackendOption,
    BackendSetOption,
    BatchSizeOption,
    LanguageOption,
    RouterOption,
    RouterSetOption,
    open_transcriber,
)


def evaluate(
    manifest: Annotated[Path, typer.Argument(metavar="IN.jsonl", help="Rows with audio and answer.")],
    output: Annotated[Path, typer.Argument(metavar="OUT.jsonl", help="Where the scored rows go.")],
    adapter: AdapterOption = None,
    router: RouterOption = None,
    router_set: RouterSetOption = None,
    backend: BackendOption = "whisper",
    backend_set: BackendSetOption = None,
    language: LanguageOption = None,
    batch_size: BatchSizeOption = 8,
    convert: Annotated[bool, typer.Option("--convert", help="Mix channels to mono, accept any sample rate.")] = False,
    compare: Annotated[
        Path | None, typer.Option(metavar="OTHER.jsonl", help="Results to compare with, in pairs.")
    ] = None,
    reuse: Annotated[bool, typer.Option("--reuse", help="OUT.jsonl is there: report on it, decode nothing.")] = False,
    report: Annotated[Path | None, typer.Option(metavar="FILE.md", help="Also write the report here.")] = None,
    summary: Annotated[
        Path | None, typer.Option(metavar="FILE.json", help="Also write the report as JSON here.")
    ] = None,
    seed: Annotated[int, typer.Option(help="Seed of the bootstrap.")] = 0,
    as_json: JsonOption = False,
    plugin: PluginOption = None,
    strict_plugins: StrictOption = False,
) -> None:
    """Transcribe a manifest, score every row, and report WER and CER with intervals.

    A run that was killed goes on where it stopped when it is started again. A row that cannot be read is reported, the
    rest is done, and the exit code is 1.

    Example: megaasr eval test.jsonl results.jsonl --adapter robust/ --compare base.jsonl --report report.md
    """
    from ..base.audio_files import AudioLimits
    from ..base.errors import ParameterError
    from ..base.files import check_outputs, read_jsonl, write_text
    from ..base.hardware import hardware
    from ..flows.evaluation import evaluate as evaluated
    from ..flows.evaluation import read_items
    from ..flows.progress import progress
    from ..flows.report import markdown
    from ..flows.resumable import fingerprint, resumable_rows
    from ..flows.summary import check_comparable, summarise
    from ..flows.summary import compare as compared

    items = read_items(manifest, language)
    if not items:
        raise ParameterError(f"{manifest}: holds no rows")
    base = read_jsonl(compare) if compare else None
    if base is not None:  # before the work, not after it
        check_comparable([item.row for item in items], base)
    check_outputs((output, report, summary), (manifest, compare))
    settings: dict[str, Any] = {
        "manifest": str(manifest),
        "backend": backend,
        "backend_set": backend_set,
        "adapter": str(adapter) if adapter else None,
        "router": router,
        "router_set": router_set,
        "batch_size": batch_size,
        "compare": str(compare) if compare else None,
    }
    if reuse:
        rows = read_jsonl(output)
    else:
        transcriber = open_transcriber(
            open_plugins(plugin, strict_plugins),
            backend,
            backend_set,
            router,
            router_set,
            adapter,
            language,
            batch_size,
        )
        settings["router"] = transcriber.router.name
        mark = fingerprint(
            [{**settings, "compare": None}, language, convert, [(item.row, item.language) for item in items]]
        )
        with resumable_rows(output, mark) as out:
            if out.left_over:
                say(f"megaasr: note: {out.partial} is of another run and is begun anew")
            if out.done:
                say(f"megaasr: note: {len(out.done)} of {len(items)} rows are done already")
            remaining = items[len(out.done) :]
            limits = AudioLimits(convert=convert)
            for row in progress(evaluated(remaining, transcriber, limits), total=len(remaining), what="utterances"):
                out.append(row)
            rows = out.done
    found: dict[str, Any] = {"settings": settings, "hardware": hardware(), "summary": summarise(rows, seed)}
    if base is not None:
        found["comparison"] = compared(rows, base, seed)
    text, data = markdown(found), json.dumps(found, ensure_ascii=False, indent=1) + "\n"
    for path, content in ((report, text), (summary, data)):
        if path:
            write_text(path, content)
    sys.stdout.write(data if as_json else text)
    failed = [row for row in rows if "error" in row]
    for row in failed:
        say(f"megaasr: failed: {row['error']}")
    if failed:
        say(f"megaasr: {len(failed)} of {len(rows)} rows failed")
        raise typer.Exit(EXIT_SOME_FAILED)

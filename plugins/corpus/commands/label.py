"""`megaasr corpus label`: add the base model's transcript and errors to each row."""

from __future__ import annotations

import json
import sys
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from megaasr.commands import (
    EXIT_SOME_FAILED,
    BackendOption,
    BackendSetOption,
    BatchSizeOption,
    DecodeOption,
    JsonOption,
    PluginOption,
    StrictOption,
    open_plugins,
    open_transcriber,
    say,
)

if TYPE_CHECKING:
    from ...evaluation.evaluate import Item


def label(
    context: typer.Context,
    manifest: Annotated[Path, typer.Argument(metavar="MANIFEST.jsonl|PLAN/", help="Speech manifest, or a plan.")],
    output: Annotated[
        Path,
        typer.Option(
            "--output", "-o", metavar="OUT.jsonl", help="Manifest of the labelled rows; - is standard output."
        ),
    ],
    backend: BackendOption = None,
    backend_set: BackendSetOption = None,
    decode: DecodeOption = None,
    batch_size: BatchSizeOption = 8,
    limit: Annotated[int | None, typer.Option(min=1, help="Maximum number of rows, from the first.")] = None,
    as_json: JsonOption = False,
    plugin: PluginOption = None,
    strict_plugins: StrictOption = False,
) -> None:
    """Add the base model's transcript and word error rate to each row (base_text, base_wer, ...).

    A row or recording that cannot be read becomes a row with an error, the others are processed, and the exit code is
    1. A killed run resumes where it stopped. The language is taken from each row; audio paths stay valid. Samples of a
    plan are rendered in memory and not stored: the rows name them as plan.json#NUMBER, which every command can read.

    Example: megaasr corpus label plan/ -o labelled.jsonl
    """
    from megaasr import (
        RecordingsState,
        RowsDigest,
        RunRecord,
        hardware,
        held_outputs,
        is_standard_output,
        is_stream,
        moved_row,
        normaliser_version,
        progress,
        resumable_rows,
        transcriber_identity,
        tried_rows,
    )

    from ...evaluation.evaluate import check_some_usable, tried_item
    from ..labelling.label import labelled_rows

    context.with_resource(held_outputs([output], [manifest]))
    plugins = open_plugins(plugin, strict_plugins)
    root = manifest if manifest.is_dir() else manifest.parent
    total = usable = 0
    unusable: Item | None = None
    languages = set()
    rows, recordings = RowsDigest(), RecordingsState(plugins)
    for where, row in islice(tried_rows(manifest, plugins), limit):  # its faults are told before the model is loaded
        item = tried_item(row, root, where)
        total, usable = total + 1, usable + (not item.fault)
        unusable = unusable or (item if item.fault else None)
        languages.add(item.language)
        rows.add(row)
        recordings.add(item.audio)
    check_some_usable([unusable] * total if unusable and not usable else [])
    transcriber = open_transcriber(plugins, backend, backend_set, "always_base", None, None, None, batch_size, decode)
    run = RunRecord(
        {
            **transcriber_identity(transcriber, plugins, None, {"folder": str(root.resolve())}),  # of the paths
            "manifest": rows.hexdigest(),
            "recordings": recordings.hexdigest(),
            "normalisers": {spoken: normaliser_version(spoken) for spoken in sorted(languages)},
        },
        {"manifest": str(manifest), "hardware": hardware()},
    )
    failed = 0
    with resumable_rows(output, run, keep=False, due=total) as out:
        if out.note:
            say(f"megaasr: note: {out.note}")
        if out.num_done:
            say(f"megaasr: note: {out.num_done} of {total} rows are done already")
        labelled = labelled_rows(
            islice(tried_rows(manifest, plugins), out.num_done, total), root, transcriber, plugins=plugins
        )
        for row in progress(labelled, total=total - out.num_done, what="labelling"):
            if "error" in row:
                failed += 1
                say(f"megaasr: failed: {row['error']}")
            out.append(moved_row(row, root, Path() if is_stream(output) else output.parent))
    if not is_stream(output):
        failed = sum("error" in row for _, row in tried_rows(output))  # those of an earlier run too
    if is_standard_output(output):
        say(f"megaasr: {total - failed} of {total} rows labelled")
    elif as_json:
        sys.stdout.write(json.dumps({"rows": total, "failed": failed}) + "\n")
    else:
        sys.stdout.write(f"{output}: {total - failed} of {total} rows labelled\n")
    if failed:
        raise typer.Exit(EXIT_SOME_FAILED)

"""`megaasr corpus stats`: statistics of a plan or a corpus."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Annotated

import typer

from megaasr.commands import JsonOption


def stats(
    context: typer.Context,
    source: Annotated[
        Path, typer.Argument(metavar="SOURCE", help="A plan's folder, a corpus's folder or manifest, labelled or not.")
    ],
    png: Annotated[Path | None, typer.Option(metavar="FILE", help="Draw severity, SNR and WER by scenario.")] = None,
    html: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write an HTML page with the drawing and the numbers.")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Count samples, hours, scenarios, severity, SNR and flags; for a labelled corpus also the base WER by slice.

    Example: megaasr corpus stats corpus/labelled.jsonl --html corpus.html
    """
    from megaasr import atomic_path, held_outputs, is_standard_output, write_text

    from ..statistics.stats import corpus_stats
    from ..statistics.stats_page import lines, page, picture

    context.with_resource(held_outputs((png, html), (source,)))
    statistics = corpus_stats(source)
    if png:
        with atomic_path(png) as temporary:
            temporary.write_bytes(picture(statistics))
    if html:
        write_text(html, page(statistics))
    if is_standard_output(html):
        return
    if as_json:
        sys.stdout.write(json.dumps(statistics.as_json(), ensure_ascii=False, indent=1) + "\n")
    else:
        sys.stdout.writelines(line + "\n" for line in lines(statistics))

"""`megaasr corpus fetch`: download a public corpus by name."""

from __future__ import annotations

import json
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from megaasr.commands import EXIT_SOME_FAILED, JsonOption, PluginOption, StrictOption, open_plugins, say


def fetch(
    name: Annotated[
        str,
        typer.Argument(metavar="NAME", help="A name of `megaasr plugins --kind corpus_source`, e.g. librispeech."),
    ],
    out: Annotated[Path, typer.Argument(metavar="OUT", help="Folder for the audio and manifest.jsonl.")],
    origin: Annotated[
        str | None,
        typer.Option(
            "--from",
            metavar="DIR_OR_URL",
            help="Folder with the archives or an unpacked copy, or the address of a mirror.",
        ),
    ] = None,
    parts: Annotated[
        str | None, typer.Option(metavar="PART[,PART...]", help="Parts to fetch, e.g. dev-clean,train-clean-100.")
    ] = None,
    keep_archives: Annotated[bool, typer.Option("--keep-archives", help="Keep the downloaded archives.")] = False,
    as_json: JsonOption = False,
    plugin: PluginOption = None,
    strict_plugins: StrictOption = False,
) -> None:
    """Fetch a public corpus: download, verify and unpack it, and write a manifest that the other commands read.

    A killed run resumes where it stopped when it is started again; a complete folder is left unchanged. Archives with
    a published checksum are verified; for the others the computed checksum is recorded. An unpacked copy is not moved
    or copied; the manifest refers to it. Common Voice must be downloaded by hand, and needs --from. Recordings that
    cannot be read are left out; the exit code is then 1. Observe the licence, which every row states.

    Example: megaasr corpus fetch librispeech speech/ --parts dev-clean
    """
    from ..fetching.fetch import fetch_corpus
    from ..fetching.fetch_manifest import MANIFEST, UNREADABLE
    from ..sources.find import find_source

    source = find_source(name, open_plugins(plugin, strict_plugins))
    wanted = tuple(part.strip() for part in parts.split(",") if part.strip()) if parts else ()
    report = fetch_corpus(
        source, out, parts=wanted, origin=origin, keep_archives=keep_archives, tell=lambda line: say(f"megaasr: {line}")
    )
    if as_json:
        summary = {**asdict(report), "manifest": str(out / MANIFEST)}
        sys.stdout.write(json.dumps(summary, ensure_ascii=False, indent=1) + "\n")
    else:
        sys.stdout.write(
            f"{out / MANIFEST}: {report.rows} {report.kind} recordings, {report.hours:.2f} h "
            f"({', '.join(report.roots)}), {report.licence}{'' if report.is_new else '; already complete'}\n"
        )
    if report.unreadable:
        say(f"megaasr: {report.unreadable} recordings could not be read and are left out; see {out / UNREADABLE}")
        raise typer.Exit(EXIT_SOME_FAILED)

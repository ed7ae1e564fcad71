"""`corpus fetch`: write a public corpus as a folder with audio and a manifest; an interrupted run can be resumed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from megaasr import OutputError, one_line, read_json, refuse_foreign, run_folder, write_json

from ..sources.base import Source
from .fetch_manifest import MANIFEST, relative, write_manifest
from .fetch_parts import ARCHIVES, Bringer, remove_if_empty

RECORD = "fetch.json"
"""File that records the contents of the folder; the number of rows is present only when the folder is complete."""


@dataclass(frozen=True)
class FetchReport:
    """The contents of a fetched corpus folder.

    Args:
        corpus, kind: name and kind of the source.
        licence: every licence that occurs in the rows.
        roots: part to the folder of its unpacked copy, relative to the manifest's folder.
        archives: for each archive its name, origin, bytes, md5, sha256, and whether a checksum was published.
        rows, hours: number and total duration of the manifest's rows.
        unreadable: number of recordings that are left out; they are listed in ``unreadable.jsonl``.
        is_new: whether this run changed anything.
    """

    corpus: str
    kind: str
    licence: str
    roots: dict[str, str]
    archives: tuple[dict[str, Any], ...]
    rows: int
    hours: float
    unreadable: int
    is_new: bool


def fetch_corpus(
    source: Source,
    out: Path,
    *,
    parts: tuple[str, ...] = (),
    origin: str | None = None,
    keep_archives: bool = False,
    tell: Callable[[str], None] = lambda line: None,
) -> FetchReport:
    """Fetch a corpus: download archives or use local ones, verify and unpack them, and write the manifest.

    Args:
        source: the corpus.
        out: output folder; it may hold other parts of the same corpus, which the manifest then covers too.
        parts: names of `Source.parts`; if empty, the parts of an earlier run, or those present at a local
            `origin`, or `Source.usual`.
        origin: a folder with archives or an unpacked copy (which is not moved), an archive, or a mirror's address.
        keep_archives: keep the downloaded archives in ``out/archives``.
        tell: called with one line before each long step.

    Raises:
        FetchError: an archive cannot be downloaded, or differs from the published one.
        UnknownNameError, ParameterError: the part does not exist; `origin` holds nothing of the corpus.
        ManifestError: an unpacked copy lacks its metadata files.
        OutputError: `out` cannot be written, or holds another corpus.
    """
    source.check_parts(parts)
    was_there = out.exists()
    try:
        with run_folder(out):
            return _fetch(source, out, parts, origin, keep_archives, tell)
    except OSError as error:
        raise OutputError(f"cannot fetch into {out}: {one_line(error)}") from error
    finally:
        remove_if_empty(out / ARCHIVES)
        if not was_there:
            remove_if_empty(out)


def _fetch(
    source: Source,
    out: Path,
    parts: tuple[str, ...],
    origin: str | None,
    keep_archives: bool,
    tell: Callable[[str], None],
) -> FetchReport:
    record = _recorded(source, out)
    known = {part: out / root for part, root in record.get("roots", {}).items() if (out / root).is_dir()}
    is_whole = "rows" in record and (out / MANIFEST).is_file()
    if is_whole and all(part in known for part in (*parts, *record.get("roots", ()))):
        return _report(record, is_new=False)
    bringer = Bringer(source, out, origin, tell)
    wanted = {*parts, *record.get("roots", ())} or {*bringer.usual()}
    roots = {part: known.get(part) or bringer.root(part) for part in source.parts if part in wanted}
    record = {
        "corpus": source.name,
        "kind": source.kind,
        "licence": source.licence,
        "homepage": source.homepage,
        "roots": {part: relative(root, out) for part, root in roots.items()},
        "archives": bringer.archives(),
    }
    _write(record, out)  # without rows: identifies the folder if the run is killed before the manifest is complete
    tell(f"measuring {', '.join(roots)}")
    record |= write_manifest(source, roots, out)
    _write(record, out)
    if not keep_archives:
        bringer.remove_archives()
    return _report(record, is_new=True)


def _write(record: dict[str, Any], out: Path) -> None:
    write_json(out / RECORD, record)


def _recorded(source: Source, out: Path) -> dict[str, Any]:
    """The record that an earlier run wrote, empty if none; OutputError if the folder holds another corpus."""
    path = out / RECORD
    if not path.is_file():
        refuse_foreign(path, [MANIFEST])
        return {}
    try:
        record = read_json(path)
        corpus = record["corpus"]
        _report({"rows": 0, "hours": 0.0, "unreadable": 0, **record}, is_new=False)
    except (OutputError, KeyError, TypeError) as error:
        raise OutputError(f"{path}: not a record of `corpus fetch`; remove it, or name another folder") from error
    if corpus != source.name:
        raise OutputError(f"{out}: holds {corpus}; name another folder for {source.name}")
    return record


def _report(record: dict[str, Any], is_new: bool) -> FetchReport:
    return FetchReport(
        corpus=record["corpus"],
        kind=record["kind"],
        licence=record["licence"],
        roots=dict(record["roots"]),
        archives=tuple(record["archives"]),
        rows=record["rows"],
        hours=record["hours"],
        unreadable=record["unreadable"],
        is_new=is_new,
    )

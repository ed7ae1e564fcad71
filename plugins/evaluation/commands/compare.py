"""`megaasr compare`: results of several systems in, one table out."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from megaasr.commands import JsonOption, hand_out, say

from .options import ByOption, ClusterOption, SeedOption


def compare(
    context: typer.Context,
    base: Annotated[Path, typer.Argument(metavar="BASE.jsonl", help="Results of `megaasr eval`: the base's.")],
    systems: Annotated[
        list[str], typer.Argument(metavar="NAME=FILE.jsonl...", help="Results of others on the same utterances.")
    ],
    by: ByOption = None,
    cluster: ClusterOption = None,
    oracle: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="Add the oracle between the base and this system: the fewer edits of both."),
    ] = None,
    ours: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="Also compare this system with the best other one on each slice."),
    ] = None,
    baseline: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME", help="Another system that --ours is compared with. Repeatable. Default: all."),
    ] = None,
    report: Annotated[Path | None, typer.Option(metavar="FILE.md", help="Also write the table here.")] = None,
    summary: Annotated[Path | None, typer.Option(metavar="FILE.json", help="Also write it as JSON here.")] = None,
    curves: Annotated[
        Path | None, typer.Option(metavar="FILE.png", help="Draw error rate against severity and SNR (extra [plot]).")
    ] = None,
    seed: SeedOption = 0,
    as_json: JsonOption = False,
) -> None:
    """Compare several systems with a base, slice by slice, in pairs, with 95 % intervals.

    Example: megaasr compare base.jsonl robust=on.jsonl routed=routed.jsonl --oracle robust --by effect --by severity
    """
    from megaasr import ParameterError, atomic_path, held_outputs, read_jsonl

    from ..comparison.curve_points import curves_of
    from ..comparison.curves import draw_curves
    from ..comparison.report import compare_markdown
    from ..comparison.systems import BASE, ORACLE, compare_systems, line_up

    if baseline and ours is None:
        raise ParameterError("--baseline needs --ours NAME")
    files = _files(systems)
    context.with_resource(held_outputs((report, summary, curves), (base, *files.values())))
    rows = read_jsonl(base)
    lineup = line_up(rows, {name: read_jsonl(path) for name, path in files.items()}, oracle)
    picture = draw_curves(curves_of(lineup, seed, cluster)) if curves else b""
    named = {BASE: str(base), **{name: str(path) for name, path in files.items()}}
    if oracle:
        named[ORACLE] = f"of {BASE} and {oracle}, the one with fewer edits"
    settings: dict[str, Any] = {"files": named, "by": ", ".join(by) if by else None, "seed": seed, "ours": ours}
    found = {
        "settings": settings,
        **compare_systems(lineup, seed, by or (), cluster, ours, baselines=baseline or ()),
    }
    if curves:
        with atomic_path(curves) as temporary:
            temporary.write_bytes(picture)
    hand_out(found, compare_markdown(found), report, summary, as_json)
    if lineup.failed:
        say(f"megaasr: note: {lineup.failed} of {len(rows)} utterances failed in one of the files and are left out")


def _files(systems: list[str]) -> dict[str, Path]:
    """The files by the names that they are given."""
    from megaasr import ParameterError

    files: dict[str, Path] = {}
    for given in systems:
        name, sign, path = given.partition("=")
        if not (name.strip() and sign and path):
            raise ParameterError(f"{given!r}: NAME=FILE.jsonl is expected, such as routed={path or given}")
        if name in files:
            raise ParameterError(f"two systems are called {name!r}; give each a name of its own")
        files[name] = Path(path)
    return files

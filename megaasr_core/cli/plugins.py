"""`megaasr plugins`: everything that is registered, and everything that failed to."""

from __future__ import annotations

import json
import sys
from typing import Annotated

import typer

from .context import JsonOption, PluginOption, StrictOption, open_plugins


def plugins(
    kind: Annotated[str | None, typer.Option(help="Only this kind, e.g. primitive, degradation, reward.")] = None,
    as_json: JsonOption = False,
    plugin: PluginOption = None,
    strict_plugins: StrictOption = False,
) -> None:
    """List the plugins: name, kind, version, origin, and why one is not loaded.

    Example: megaasr plugins --kind degradation
    """
    from importlib.metadata import entry_points

    from ..base.errors import unknown_name
    from ..contracts.discovery import COMMAND_PREFIX, GROUP, owner_of

    loaded = open_plugins(plugin, strict_plugins, warn=False)
    for point in entry_points(group=GROUP):
        if point.name.startswith(COMMAND_PREFIX):
            loaded.commands.append((point.name.removeprefix(COMMAND_PREFIX), owner_of(point)))
    rows = loaded.rows()
    kinds = {row.kind for row in rows} | {registry.kind for registry in loaded.registries}
    if kind is not None and kind not in kinds:
        raise unknown_name("kind of plugin", kind, kinds)
    table = [
        {
            "name": row.name,
            "kind": row.kind,
            "version": row.owner.version,
            "origin": f"{row.owner.distribution}: {row.owner.plugin}",
            "error": row.error,
        }
        for row in rows
        if kind in (None, row.kind)
    ]
    if as_json:
        sys.stdout.write(json.dumps(table, ensure_ascii=False, indent=1) + "\n")
        return
    widths = {column: max((len(row[column]) for row in table), default=0) for column in ("kind", "name", "version")}
    for row in table:
        line = "  ".join(f"{row[column]:<{width}}" for column, width in widths.items())
        sys.stdout.write(f"{line}  {row['origin']}" + (f"  FAILED: {row['error']}" if row["error"] else "") + "\n")

"""`megaasr plugins`: everything that is registered, and everything that failed to."""

from __future__ import annotations

import json
import sys
from typing import Annotated

import typer

from .context import JsonOption, PluginOption, StrictOption, open_plugins

plugins = typer.Typer(name="plugins", rich_markup_mode=None)


@plugins.callback(invoke_without_command=True)
def list_plugins(
    context: typer.Context,
    kind: Annotated[str | None, typer.Option(help="Only this kind, e.g. primitive, degradation, reward.")] = None,
    as_json: JsonOption = False,
    plugin: PluginOption = None,
    strict_plugins: StrictOption = False,
) -> None:
    """List the plugins: name, kind, version, origin, and why one is not loaded.

    Example: megaasr plugins --kind degradation
    """
    if context.invoked_subcommand is not None:
        return
    from ..base.errors import PluginError, unknown_name

    loaded = open_plugins(plugin, strict_plugins, warn=False, commands=True)
    not_added: dict[str, str] = context.obj or {}
    for name, owner in loaded.command_owners.items():
        if name in not_added and owner in loaded.owners:
            loaded.fail(owner, PluginError(not_added[name]))
    if strict_plugins:
        for failure in loaded.failures:
            raise PluginError(f"plugin {failure.owner}: {failure.error}")
    rows = loaded.rows()
    kinds = {row.kind for row in rows} | {one.name for one in loaded.kinds} | {"command"}
    if kind is not None and kind not in kinds:
        raise unknown_name("kind of plugin", kind, kinds)
    table = [
        {
            "name": row.name,
            "kind": row.kind,
            "version": row.owner.version,
            "origin": f"{row.owner.distribution}: {row.owner.plugin}",
            "error": row.error,
            "disabled": row.disabled,
        }
        for row in rows
        if kind in (None, row.kind)
    ]
    if as_json:
        sys.stdout.write(json.dumps(table, ensure_ascii=False, indent=1) + "\n")
        return
    widths = {key: max((len(str(row[key])) for row in table), default=0) for key in ("kind", "name", "version")}
    for row in table:
        line = "  ".join(f"{row[column]:<{width}}" for column, width in widths.items())
        state = f"  FAILED: {row['error']}" if row["error"] else "  disabled" if row["disabled"] else ""
        sys.stdout.write(f"{line}  {row['origin']}{state}\n")

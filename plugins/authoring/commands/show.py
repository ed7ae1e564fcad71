"""`megaasr plugins show`: one plugin with its documentation, source, parameters, and what its kind says of it."""

from __future__ import annotations

import json
import sys
from typing import Annotated, Any

import typer

from megaasr.commands import JsonOption, PluginOption, StrictOption, open_plugins


def show(
    spec: Annotated[str, typer.Argument(metavar="KIND:NAME", help="The plugin, e.g. degradation:noise.")],
    as_json: JsonOption = False,
    plugin: PluginOption = None,
    strict_plugins: StrictOption = False,
) -> None:
    """Show one plugin: documentation, source, parameters with bounds; of a condition its chain in numbers.

    Example: megaasr plugins show degradation:noise
    """
    from ..description import describe, split_spec

    kind, name = split_spec(spec)
    description = describe(kind, name, open_plugins(plugin, strict_plugins))
    if as_json:
        sys.stdout.write(json.dumps(description, ensure_ascii=False, indent=1, default=str) + "\n")
    else:
        sys.stdout.write(text_of(description))


def text_of(description: dict[str, Any]) -> str:
    """For people: paragraphs and tables."""
    source = description["source"]
    place = f"{source['file']}:{source['line']}" if source["line"] else source["file"] or "unknown"
    parts = [
        f"{description['kind']} {description['name']}",
        description["documentation"] or "(no documentation)",
        f"source: {source['distribution']} {source['version']}, {source['entry point']}\n"
        f"file:   {place}" + (f"\ndigest: {source['digest']}" if "digest" in source else ""),
    ]
    if description["fields"]:
        parts.append("parameters:\n" + _table([_field(field) for field in description["fields"]]))
    for title, value in description["details"].items():
        parts.append(f"{title}:\n{_table(value)}" if _is_table(value) else f"{title}: {_text(value)}")
    return "\n\n".join(parts) + "\n"


def _field(field: dict[str, Any]) -> dict[str, Any]:
    return {
        "name": field["name"],
        "type": field["type"],
        "default": "required" if field["required"] else json.dumps(field["default"], ensure_ascii=False),
        "bounds": field["bounds"],
        "meaning": field["description"],
    }


def _is_table(value: Any) -> bool:
    return isinstance(value, list) and bool(value) and all(isinstance(row, dict) for row in value)


def _table(rows: list[dict[str, Any]]) -> str:
    lines = [list(rows[0]), *([_text(value) for value in row.values()] for row in rows)]
    widths = [max(len(line[column]) for line in lines) for column in range(len(lines[0]))]
    return "\n".join(
        "  " + "  ".join(f"{cell:<{width}}" for cell, width in zip(line, widths, strict=True)).rstrip()
        for line in lines
    )


def _text(value: Any) -> str:
    if isinstance(value, list):
        return ", ".join(map(_text, value)) or "none"
    return f"{value:g}" if isinstance(value, float) else str(value)

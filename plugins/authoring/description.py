"""`describe`: everything that is known of one registered plugin, of any kind, as plain data."""

from __future__ import annotations

import ast
import inspect
from pathlib import Path
from pkgutil import resolve_name
from typing import Any

from megaasr import PluginError, Plugins, Unit

SIGNS = {"minimum": "≥", "exclusiveMinimum": ">", "maximum": "≤", "exclusiveMaximum": "<"}
LENGTHS = {"minLength": "at least", "maxLength": "at most", "minItems": "at least", "maxItems": "at most"}


def split_spec(spec: str) -> tuple[str, str]:
    """``KIND:NAME`` in two; PluginError when it is not of that form."""
    kind, colon, name = spec.partition(":")
    if not (kind and colon and name):
        raise PluginError(f"{spec!r} names no plugin; write KIND:NAME, e.g. degradation:noise")
    return kind, name


def describe(kind: str, name: str, plugins: Plugins) -> dict[str, Any]:
    """All that is known of a plugin.

    Returns:
        ``kind``, ``name``, ``summary``, ``documentation``, ``source`` (distribution, version, entry point, file, line),
        ``fields`` (of a unit: name, type, default, bounds, meaning), and ``details``: what its kind says of it.

    Raises:
        UnknownNameError: no such kind or name; it suggests the nearest.
    """
    row = plugins.kind(kind)
    thing = plugins.registry(kind)[name]
    documentation = _documentation(thing)
    return {
        "kind": kind,
        "name": name,
        "summary": documentation.partition("\n")[0],
        "documentation": documentation,
        "source": source_of(kind, name, plugins),
        "fields": fields_of(thing) if _is_unit(thing) else [],
        "details": resolve_name(row.describe)(name, plugins) if row.describe else {},
    }


def source_of(kind: str, name: str, plugins: Plugins) -> dict[str, Any]:
    """Where a plugin comes from; ``file`` and ``line`` are empty and 0 where they cannot be found."""
    registry = plugins.registry(kind)
    owner = registry.owner(name)
    file, line = _place(registry[name], plugins.loaded(owner))
    return {
        "distribution": owner.distribution,
        "version": owner.version,
        "entry point": owner.plugin,
        "file": file,
        "line": line,
        **({"digest": owner.digest} if owner.digest else {}),
    }


def _place(thing: Any, module: object) -> tuple[str, int]:
    """File and line of a class, or of the assignment in the plugin's module that made an instance."""
    try:
        if inspect.isclass(thing):
            return inspect.getsourcefile(thing) or "", inspect.getsourcelines(thing)[1]
        file = inspect.getsourcefile(module) or ""  # type: ignore[arg-type]  # an object is a TypeError
        names = {name for name, value in vars(module).items() if value is thing}
        for node in ast.parse(Path(file).read_bytes()).body:
            targets = node.targets if isinstance(node, ast.Assign) else [getattr(node, "target", None)]
            if any(isinstance(target, ast.Name) and target.id in names for target in targets):
                return file, node.lineno
    except (OSError, TypeError, SyntaxError):  # a module without source
        return "", 0
    return file, 0


def _is_unit(thing: Any) -> bool:
    return inspect.isclass(thing) and issubclass(thing, Unit)


def _documentation(thing: Any) -> str:
    """The docstring of a class; of an instance its own description or, failing that, its class's docstring."""
    if inspect.isclass(thing):
        return inspect.cleandoc(thing.__dict__.get("__doc__") or "")
    return str(getattr(thing, "description", "") or inspect.getdoc(type(thing)) or "")


def fields_of(unit: type[Unit]) -> list[dict[str, Any]]:
    """The parameters of a unit, from the model that validates them."""
    schema = unit.model_json_schema() if unit.model_fields else {}
    shared = schema.get("$defs", {})
    return [
        {
            "name": name,
            "type": _type(schema["properties"][name], shared),
            "required": field.is_required(),
            "default": None if field.is_required() else schema["properties"][name].get("default"),
            "bounds": _bounds(schema["properties"][name]),
            "description": field.description or "",
        }
        for name, field in unit.model_fields.items()
    ]


def _type(schema: dict[str, Any], shared: dict[str, Any]) -> str:
    if "enum" in schema:
        return " or ".join(str(value) for value in schema["enum"])
    if "const" in schema:
        return str(schema["const"])
    if "anyOf" in schema:
        return " or ".join(_type(option, shared) for option in schema["anyOf"])
    if "$ref" in schema:
        name = schema["$ref"].rpartition("/")[2]
        return _type(shared[name], shared) if "enum" in shared.get(name, {}) else name
    if schema.get("type") == "array" and isinstance(schema.get("items"), dict):
        return f"array of {_type(schema['items'], shared)}"
    return str(schema.get("type", "any"))


def _bounds(schema: dict[str, Any]) -> str:
    options = [schema, *schema.get("anyOf", [])]
    parts = [f"{sign} {option[key]:g}" for option in options for key, sign in SIGNS.items() if key in option]
    parts += [f"{sign} {option[key]} long" for option in options for key, sign in LENGTHS.items() if key in option]
    return ", ".join(parts)

"""The kinds of cases by name."""

from __future__ import annotations

from importlib import import_module

from .cases import Kind

KINDS = {
    "audio": "audio:AudioFiles",
}


def kind_named(name: str) -> type[Kind]:
    """The class of a kind, imported when it is wanted: some need torch."""
    module, _, unit = KINDS[name].partition(":")
    found: type[Kind] = getattr(import_module(f".{module}", __package__), unit)
    return found

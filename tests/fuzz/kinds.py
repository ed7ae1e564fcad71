"""The kinds of cases by name."""

from __future__ import annotations

from importlib import import_module

from .cases import Kind

FAULTY = "faulty"
"""A kind for the tests of the campaign itself; no part of a campaign unless it is named."""
KINDS = {
    "audio": "audio:AudioFiles",
    "manifest": "rows:Manifests",
    "labelled": "rows:Labels",
    "results": "rows:Results",
    "scenario": "rows:Scenarios",
    "reward": "rows:Rewards",
    "trainer": "rows:Trainers",
    "plan": "plans:Plans",
    "recipe": "plans:Recipes",
    "adapter": "adapters:Adapters",
    "model": "models:Models",
    "archive": "archives:Archives",
    "cli": "command_lines:CommandLines",
    FAULTY: "faulty:Faulty",
}


def kind_named(name: str) -> type[Kind]:
    """The class of a kind, imported when it is wanted: some need torch."""
    module, _, unit = KINDS[name].partition(":")
    found: type[Kind] = getattr(import_module(f".{module}", __package__), unit)
    return found

"""Entry points and environment variables that name plugins. Imports little: it is loaded at every start."""

from __future__ import annotations

import os
from collections.abc import Iterable
from functools import lru_cache
from importlib.metadata import Distribution, EntryPoint

from .registry import IN_TREE, Owner

GROUP = "megaasr"
ENVIRONMENT = "MEGAASR_PLUGINS"
DISABLED = "MEGAASR_DISABLE"


def ordered(points: Iterable[EntryPoint]) -> list[EntryPoint]:
    """Entry points in the order of loading: megaasr's own first, then by distribution and name."""
    return sorted(
        points, key=lambda point: (owner_of(point).distribution != IN_TREE, owner_of(point).distribution, point.name)
    )


def owner_of(point: EntryPoint) -> Owner:
    """The distribution that an entry point belongs to."""
    return Owner(point.name, *_name_and_version(point.dist))


@lru_cache(maxsize=256)  # each property of a distribution parses its metadata anew
def _name_and_version(distribution: Distribution | None) -> tuple[str, str]:
    return (distribution.name, distribution.version) if distribution else ("?", "?")


def listed(variable: str) -> list[str]:
    """The names in an environment variable, separated as in PATH."""
    return [part for part in os.environ.get(variable, "").split(os.pathsep) if part]

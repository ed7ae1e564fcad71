"""Entry points and environment variables that name plugins; imports little, since every command loads it."""

from __future__ import annotations

import os
from collections.abc import Iterable
from importlib.metadata import EntryPoint

from .registry import COMMAND_PREFIX as COMMAND_PREFIX  # noqa: PLC0414
from .registry import Owner

GROUP = "megaasr"
IN_TREE = "megaasr"
"""The distribution whose names are reserved: it is loaded first, and a later plugin cannot take its names."""
ENVIRONMENT = "MEGAASR_PLUGINS"
DISABLED = "MEGAASR_DISABLE"


def ordered(points: Iterable[EntryPoint]) -> list[EntryPoint]:
    """Entry points in the order of loading: megaasr's own first, then by distribution and name."""
    return sorted(
        points, key=lambda point: (owner_of(point).distribution != IN_TREE, owner_of(point).distribution, point.name)
    )


def owner_of(point: EntryPoint) -> Owner:
    """The distribution that an entry point belongs to."""
    distribution = point.dist
    return Owner(point.name, distribution.name if distribution else "?", distribution.version if distribution else "?")


def disabled_names() -> set[str]:
    """What the environment variable MEGAASR_DISABLE names, separated as in PATH."""
    return set(listed(DISABLED))


def listed(variable: str) -> list[str]:
    """The parts of an environment variable that is separated as PATH is."""
    return [part for part in os.environ.get(variable, "").split(os.pathsep) if part]

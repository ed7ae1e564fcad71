"""`Registry`: one kind's names, each with its owner; duplicates are refused, unknown names get a suggestion."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import PurePath
from typing import Generic, TypeVar

from ..base.errors import PluginError, UnknownNameError, unknown_name

T = TypeVar("T")

IN_TREE = "megaasr"
"""The distribution whose names are reserved: it is loaded first, and a later plugin cannot take its names."""
COMMAND_PREFIX = "command."
"""Beginning of the names of entry points that add commands."""


@dataclass(frozen=True)
class Owner:
    """Who registered a name.

    Args:
        plugin: entry point, file, folder or module.
        distribution: the installed package, ``file`` or ``module``.
        version: of the distribution.
        path, digest: of a file, folder or module: where it is, and BLAKE2b of its content (with the siblings that it
            imports); empty for an entry point.
    """

    plugin: str
    distribution: str
    version: str
    path: str = ""
    digest: str = ""

    def __str__(self) -> str:
        return f"{self.plugin} ({self.distribution} {self.version})"

    @property
    def origin(self) -> str:
        """Where it came from, for messages: ``acme 1.2``, or ``the file tones.py (digest 1a2b3c4d)``."""
        if self.distribution == "module":
            return f"the module {self.plugin}"
        if self.distribution == "file":
            return f"the file {PurePath(self.path or self.plugin).name} (digest {self.digest[:8]})"
        return f"{self.distribution} {self.version}"


def not_installed(what: str, origin: str, made: str) -> UnknownNameError:
    """Build the error for something that a recipe or plan needs and that no plugin has registered here.

    Args:
        what: e.g. ``primitive 'tone'``; origin: `Owner.origin` of its plugin; made: ``the recipe`` or ``the plan``.

    >>> str(not_installed("primitive 'tone'", "acme 1.2", "the recipe"))
    "primitive 'tone' is not installed here; the recipe was made with acme 1.2: install it"
    """
    remedy = "name it with --plugin" if origin.startswith("the ") else "install it"
    return UnknownNameError(f"{what} is not installed here; {made} was made with {origin}: {remedy}")


class Registry(Mapping[str, T], Generic[T]):
    """A mapping from names to registered things, filled once and then only read."""

    def __init__(self, kind: str) -> None:
        self.kind = kind
        self._things: dict[str, tuple[T, Owner]] = {}

    def add(self, name: str, thing: T, owner: Owner) -> None:
        """Register; PluginError naming both owners when the name is taken."""
        if name in self._things:
            by = self.owner(name)
            raise PluginError(f"{self.kind} {name!r} of {owner} is already registered by {by}; rename one")
        self._things[name] = (thing, owner)

    def remove_owned(self, owner: Owner) -> None:
        """Forget everything of one owner, so that a plugin that fails midway leaves nothing behind."""
        self._things = {name: row for name, row in self._things.items() if row[1] != owner}

    def owner(self, name: str) -> Owner:
        """Who registered `name`."""
        return self._row(name)[1]

    @property
    def in_tree(self) -> list[str]:
        """The names that megaasr itself registered, whatever else is installed."""
        return [name for name in self if self.owner(name).distribution == IN_TREE]

    def __getitem__(self, name: str) -> T:
        """The thing of that name; UnknownNameError suggests the nearest."""
        return self._row(name)[0]

    def _row(self, name: str) -> tuple[T, Owner]:
        try:
            return self._things[name]
        except KeyError:
            raise unknown_name(self.kind, name, self._things) from None

    def __contains__(self, name: object) -> bool:
        return name in self._things

    def __iter__(self) -> Iterator[str]:
        return iter(sorted(self._things))

    def __len__(self) -> int:
        return len(self._things)

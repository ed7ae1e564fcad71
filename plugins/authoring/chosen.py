"""`Chosen`: the registered plugins that a set of documentation shows."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass

from megaasr import Owner, ParameterError, Plugins

IN_TREE = "megaasr"
"""The distribution that brings megaasr's own plugins."""


@dataclass(frozen=True)
class Chosen:
    """Some of the registered plugins.

    Args:
        plugins: all of them, to which the chosen ones may refer.
        has: whether the things of this owner are chosen.
    """

    plugins: Plugins
    has: Callable[[Owner], bool]

    def names(self, kind: str) -> list[str]:
        """Names of the chosen things of a kind, sorted."""
        registry = self.plugins.registry(kind)
        return [name for name in registry if self.has(registry.owner(name))]


def of_distribution(plugins: Plugins, name: str = IN_TREE) -> Chosen:
    """What one installed distribution registers; by default megaasr's own plugins."""
    return Chosen(plugins, lambda owner: owner.distribution == name)


def third_party(plugins: Plugins, targets: Collection[str] = (), distributions: Iterable[str] = ()) -> Chosen:
    """What `targets` (files or modules) and `distributions` register; if neither is given, all that is not megaasr's.

    Raises:
        ParameterError: nothing is registered by these.
    """
    wanted = set(distributions)

    def has(owner: Owner) -> bool:
        if targets or wanted:
            return owner.plugin in targets or owner.distribution in wanted
        return owner.distribution != IN_TREE

    chosen = Chosen(plugins, has)
    if not any(chosen.names(kind.name) for kind in plugins.kinds):
        named = ", ".join([*targets, *sorted(wanted)])
        raise ParameterError(
            f"nothing is registered by {named}"
            if named
            else "no plugin beside megaasr's own is there; give --plugin FILE"
        )
    return chosen

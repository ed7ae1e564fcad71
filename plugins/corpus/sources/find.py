"""Finding a registered corpus source by its name."""

from __future__ import annotations

from megaasr import Plugins, installed_plugins

from .base import Source


def find_source(name: str, plugins: Plugins | None = None) -> Source:
    """The corpus of that name, in any case; UnknownNameError, with the nearest name, when there is none.

    Args:
        plugins: where it is registered; the installed plugins if not given.
    """
    source: Source = (plugins or installed_plugins()).registry("corpus_source")[name.lower()]
    return source

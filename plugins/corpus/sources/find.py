"""Look-up of a registered corpus source by name."""

from __future__ import annotations

from megaasr import Plugins, installed_plugins

from .base import Source


def find_source(name: str, plugins: Plugins | None = None) -> Source:
    """The corpus source with that name, ignoring case.

    Args:
        name: name of the source, e.g. ``librispeech``.
        plugins: plugins to search; the installed plugins by default.

    Raises:
        UnknownNameError: there is no such source; the message names the nearest one.
    """
    source: Source = (plugins or installed_plugins()).registry("corpus_source")[name.lower()]
    return source

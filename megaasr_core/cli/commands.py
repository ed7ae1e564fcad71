"""Commands that plugins add: each name once, megaasr's own first, and a broken plugin is a warning."""

from __future__ import annotations

from collections.abc import Iterable
from importlib.metadata import EntryPoint

import typer

from ..base.errors import PluginError
from .context import say


def add_plugin_commands(app: typer.Typer, points: Iterable[EntryPoint]) -> dict[str, str]:
    """Let plugins add commands: only entry points named ``command.*`` are imported, so that --help stays fast.

    A plugin whose command is there already, or that cannot be loaded, adds nothing; a line on stderr says why.

    Returns:
        Name of the entry point -> reason, of each that failed.
    """
    from ..contracts.calls import LOG, described
    from ..discovery.entry_points import disabled_names, ordered, owner_of
    from ..discovery.registry import COMMAND_PREFIX

    failures: dict[str, str] = {}
    owners = dict.fromkeys(_names(app), "the core of megaasr")
    off = disabled_names()
    for point in ordered(point for point in points if point.name.startswith(COMMAND_PREFIX)):
        owner = owner_of(point)
        if {point.name, owner.distribution} & off:
            continue
        own = typer.Typer()
        try:
            point.load().register_commands(own)
            taken = next((name for name in _names(own) if name in owners), None)
            if taken is not None:
                raise PluginError(f"command {taken!r} is already added by {owners[taken]}; rename it")
        except (Exception, SystemExit) as error:  # a broken plugin stops nothing
            failures[point.name] = described(error)
            LOG.debug("traceback of plugin %s", owner, exc_info=error)
            say(f"megaasr: warning: plugin {owner} is not loaded: {failures[point.name]}")
            continue
        app.registered_commands += own.registered_commands
        app.registered_groups += own.registered_groups
        owners |= dict.fromkeys(_names(own), str(owner))
    return failures


def _names(app: typer.Typer) -> list[str]:
    names = []
    for command in app.registered_commands:
        function = command.callback
        names.append(command.name or (function.__name__.replace("_", "-") if function else ""))
    for group in app.registered_groups:
        inner = group.typer_instance
        names.append(str(group.name or (inner.info.name if inner else "")))
    return names

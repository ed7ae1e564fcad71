"""Commands that plugins add: each name once, megaasr's own first, and a broken plugin is a warning."""

from __future__ import annotations

from collections.abc import Container, Iterable
from copy import copy
from importlib.metadata import EntryPoint

import typer
from typer.models import CommandInfo, TyperInfo

from ..base.errors import PluginError
from .context import say


def add_plugin_commands(app: typer.Typer, points: Iterable[EntryPoint]) -> dict[str, str]:
    """Let plugins add commands: only entry points named ``command.*`` are imported, so that --help stays fast.

    A group without a callback whose name is that of an existing group adds its commands to that group. A plugin whose
    command is there already, or that cannot be loaded, adds nothing; a line on stderr says why.

    Returns:
        Name of the entry point -> reason, of each that failed.
    """
    from ..contracts.calls import LOG, described
    from ..discovery.entry_points import DISABLED, listed, ordered, owner_of
    from ..discovery.registry import COMMAND_PREFIX

    failures: dict[str, str] = {}
    owners = dict.fromkeys(_names(app), "the core of megaasr")
    off = set(listed(DISABLED))
    for point in ordered(point for point in points if point.name.startswith(COMMAND_PREFIX)):
        owner = owner_of(point)
        if {point.name, owner.distribution} & off:
            continue
        own = typer.Typer()
        try:
            point.load().register_commands(own)
            names = _names(own, _groups(app))
            taken = next((name for name in names if name in owners), None)
            if taken is not None:
                raise PluginError(f"command {taken!r} is already added by {owners[taken]}; rename it")
        except (Exception, SystemExit) as error:  # a broken plugin stops nothing
            failures[point.name] = described(error)
            LOG.debug("traceback of plugin %s", owner, exc_info=error)
            say(f"megaasr: warning: plugin {owner} is not loaded: {failures[point.name]}")
            continue
        owners |= dict.fromkeys(names, str(owner))
        _add(own, app)
    return failures


def drop_parameters(app: typer.Typer, arguments: Container[str]) -> None:
    """Drop the parameters of every command that the arguments do not name: reading them is a quarter of --help."""
    app.registered_commands = [one if _name(one) in arguments else _bare(one) for one in app.registered_commands]
    for group in app.registered_groups:
        if group.typer_instance:
            group.typer_instance = copy(group.typer_instance)  # the plugin's own stays as it is
            drop_parameters(group.typer_instance, arguments)


def _bare(command: CommandInfo) -> CommandInfo:
    bare = copy(command)
    bare.name, bare.help = _name(command), command.help or command.callback.__doc__
    bare.callback = lambda: None
    return bare


def _add(own: typer.Typer, app: typer.Typer) -> None:
    there, more = _groups(app), _groups(own)
    app.registered_commands = app.registered_commands + own.registered_commands
    app.registered_groups = app.registered_groups + [group for name, group in more.items() if name not in there]
    for name in more.keys() & there.keys():
        inner, target = more[name].typer_instance, there[name].typer_instance
        if inner and target:
            there[name].typer_instance = target = copy(target)
            _add(inner, target)


def _name(command: CommandInfo) -> str:
    return command.name or (command.callback.__name__.replace("_", "-") if command.callback else "")


def _groups(app: typer.Typer) -> dict[str, TyperInfo]:
    return {str(one.name or one.typer_instance.info.name): one for one in app.registered_groups if one.typer_instance}


def _names(app: typer.Typer, extended: Container[str] = (), prefix: str = "") -> list[str]:
    """Names of all commands and groups, without groups that only extend one of `extended`."""
    names = [prefix + _name(command) for command in app.registered_commands]
    for name, group in _groups(app).items():
        inner = group.typer_instance
        if inner is None or inner.registered_callback is not None or name not in extended:
            names.append(prefix + name)
        names += _names(inner, (), f"{prefix}{name} ") if inner else []
    return names

"""Where the plugins of a plan came from, and whether the same ones are there when it is rendered."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

from pydantic import BaseModel, ConfigDict

from megaasr import Owner, PluginError, Plugins, Scenario, is_plugin_path, merge, not_installed, one_line


class PluginSource(BaseModel):
    """One plugin that a plan was made with.

    Args:
        plugin, distribution, version, path, digest: as `megaasr.Owner` has them.
        provides: what the plan uses of it, such as ``primitive:tone``; empty for one that `--plugin` merely named.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    plugin: str
    distribution: str
    version: str
    path: str = ""
    digest: str = ""
    provides: list[str] = []

    @property
    def owner(self) -> Owner:
        """The plugin, as it was when the plan was made."""
        return Owner(self.plugin, self.distribution, self.version, self.path, self.digest)


def sources_of(scenarios: Iterable[Scenario], plugins: Plugins, named: Sequence[str]) -> list[PluginSource]:
    """The plugins that a plan by these scenarios uses, and those that `named`, the ``--plugin`` values, name."""
    provided: dict[Owner, set[str]] = {}
    for scenario in scenarios:
        for effect, step in merge(scenario, plugins.degradations, plugins.stacking).chain:
            for kind, name in (("primitive", step.primitive), ("degradation", effect)):
                provided.setdefault(plugins.registry(kind).owner(name), set()).add(f"{kind}:{name}")
    explicit = set(map(absolute_target, named))
    return [
        PluginSource(
            plugin=owner.plugin,
            distribution=owner.distribution,
            version=owner.version,
            path=owner.path,
            digest=owner.digest,
            provides=sorted(provided.get(owner, ())),
        )
        for owner in plugins.owners
        if owner in provided or target_of(owner) in explicit
    ]


def absolute_target(target: str) -> str:
    """A ``--plugin`` value: a file or folder as an absolute path, the name of a module unchanged."""
    return str(Path(target).resolve()) if is_plugin_path(target) else target


def target_of(owner: Owner) -> str:
    """How `load_plugins` loads a file, folder or module again, from any working folder; empty for an entry point."""
    if owner.distribution == "file":
        return owner.path
    return owner.plugin if owner.distribution == "module" else ""


def check_plugins(recorded: Sequence[str], sources: Iterable[PluginSource], plugins: Plugins) -> None:
    """See that what a plan uses is loaded, and comes from the plugins that it was made with.

    A plan names no code: what it records is only compared with the plugins of the call, which are the installed ones
    and those that ``--plugin`` or MEGAASR_PLUGINS name. A file is the same by its content, wherever it lies.

    Args:
        recorded: what the plan was made with besides the installed plugins.
        plugins: of the call.

    Raises:
        UnknownNameError: a primitive is not registered; the message names the distribution that brought it.
        PluginError: a file, folder or module that the plan uses is not loaded, or has another content now.
    """
    sources = list(sources)
    known = {target_of(source.owner) for source in sources}
    files = {Path(owner.path).name for owner in plugins.owners if owner.path}
    modules = {owner.plugin for owner in plugins.owners}
    for target in recorded:
        if target not in known and (
            Path(target).name not in files if is_plugin_path(target) else target not in modules
        ):
            raise _not_named(target, "")
    for source in sources:
        for kind, _, name in (one.partition(":") for one in source.provides):
            if kind not in {one.name for one in plugins.kinds} or name not in plugins.registry(kind):
                if target := target_of(source.owner):
                    raise _not_named(target, source.digest)
                if kind == "primitive":  # degradations are not needed any more: the recipes hold their steps
                    raise not_installed(f"primitive {name!r}", source.owner.origin, "the plan")
                continue
            now = plugins.registry(kind).owner(name)
            if source.digest and now.digest and now.digest != source.digest:
                raise PluginError(
                    f"plugin {now.path} changed since the plan was made (digest {source.digest[:8]}, now "
                    f"{now.digest[:8]}) and provides {kind} {name}: restore it, or raise `revision` of the primitives "
                    "whose output changed and plan anew"
                )


def _not_named(target: str, digest: str) -> PluginError:
    shown = f"{one_line(target)}{f' (digest {digest[:8]})' if digest else ''}, which the plan uses,"
    try:
        is_gone = is_plugin_path(target) and not Path(target).exists()
    except (OSError, ValueError):
        is_gone = True
    if is_gone:
        return PluginError(f"{shown} is gone; name its new place with --plugin FILE")
    return PluginError(f"{shown} is not loaded, since a plan runs no code by itself; pass --plugin {one_line(target)}")

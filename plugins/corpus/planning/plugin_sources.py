"""Where the plugins of a plan came from, and whether the same ones are there when it is rendered."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

from pydantic import BaseModel, ConfigDict

from megaasr import Owner, PluginError, Plugins, Scenario, is_plugin_path, merge, not_installed, plugin_digest


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
        for effect, step in merge(scenario, plugins.degradations, plugins.stacking):
            for kind, name in (("primitive", step.primitive), ("degradation", effect)):
                provided.setdefault(plugins.registry(kind).owner(name), set()).add(f"{kind}:{name}")
    explicit = {str(Path(one).resolve()) if is_plugin_path(one) else one for one in named}
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


def target_of(owner: Owner) -> str:
    """How `load_plugins` loads a file, folder or module again, from any working folder; empty for an entry point."""
    if owner.distribution == "file":
        return owner.path
    return owner.plugin if owner.distribution == "module" else ""


def targets_to_load(recorded: Sequence[str], sources: Sequence[PluginSource], extra: Sequence[str]) -> tuple[str, ...]:
    """What to load for a plan: the files and modules that it records, and `extra`.

    A recorded file or folder whose content is that of one in `extra` is replaced by it; so is one that is gone, by one
    of its name, whose content `check_sources` then compares.

    Raises:
        PluginError: a recorded file is gone, and none of `extra` stands for it.
    """
    moved = {plugin_digest(Path(one)): one for one in extra if is_plugin_path(one) and Path(one).exists()}
    names = {Path(one).name for one in extra}
    digests = {target_of(source.owner): source.digest for source in sources}
    targets = []
    for target in recorded:
        if is_plugin_path(target):
            digest = digests.get(target, "")
            if digest in moved or (not Path(target).exists() and Path(target).name in names):
                continue
            if not Path(target).exists():
                shown = f", digest {digest[:8]}," if digest else ""
                raise PluginError(
                    f"{target}{shown} which the plan was made with, is gone; name its new place with --plugin FILE"
                )
        targets.append(target)
    return (*targets, *extra)


def check_sources(sources: Iterable[PluginSource], plugins: Plugins) -> None:
    """See that what a plan uses comes from the plugins that it was made with.

    Raises:
        UnknownNameError: a primitive is not registered; the message names the distribution or file that brought it.
        PluginError: a file, folder or module that provides what the plan uses has another content now.
    """
    for source in sources:
        for kind, _, name in (one.partition(":") for one in source.provides):
            registry = plugins.registry(kind)
            if name not in registry:
                if kind == "primitive":  # degradations are not needed any more: the recipes hold their steps
                    raise not_installed(f"primitive {name!r}", source.owner.origin, "the plan")
                continue
            now = registry.owner(name)
            if source.digest and now.digest and now.digest != source.digest:
                raise PluginError(
                    f"plugin {now.path} changed since the plan was made (digest {source.digest[:8]}, now "
                    f"{now.digest[:8]}) and provides {kind} {name}: restore it, or raise `revision` of the primitives "
                    "whose output changed and plan anew"
                )

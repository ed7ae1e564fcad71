"""Where the plugins of a plan came from, and whether the same ones are there when it is rendered."""

from __future__ import annotations

import os
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


def targets_to_load(recorded: Sequence[str], sources: Sequence[PluginSource], extra: Sequence[str]) -> tuple[str, ...]:
    """What to load for a plan: the files and modules that it records, and `extra`.

    A recorded file or folder is replaced by one of equal content in `extra` or MEGAASR_PLUGINS; where it is gone, also
    by one of its name in `extra`, whose content `check_sources` then compares. One that is gone and that the plan does
    not use is left out.

    Raises:
        PluginError: a recorded file that the plan uses is gone, and nothing stands for it.
    """
    others = [one for one in (*extra, *os.environ.get("MEGAASR_PLUGINS", "").split(os.pathsep)) if is_plugin_path(one)]
    moved = [Path(one).resolve() for one in others if Path(one).exists()]
    contents = {plugin_digest(path) for path in moved if str(path) not in recorded}
    names = {Path(one).name for one in extra}
    known = {target_of(source.owner): source for source in sources}
    targets = []
    for target in recorded:
        source, path = known.get(target), Path(target)
        is_gone = is_plugin_path(target) and not path.exists()
        if source is not None and ((source.digest in contents) or (is_gone and not source.provides)):
            continue
        if is_gone and path.name not in names:
            digest = f" (digest {source.digest[:8]})" if source else ""
            raise PluginError(f"{target}{digest}, which the plan uses, is gone; name its new place with --plugin FILE")
        if not is_gone:
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

"""The identity of a run: everything that decides its results, by contents, as a JSON object of named parts.

Two runs with equal identities give equal results, as far as a machine repeats itself; where something differs, its part
says what: the adapter, the router, the recordings. Paths are no part of it: a file is what it holds.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from pathlib import Path, PurePath
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

from megaasr_core.contracts.unit import Unit
from megaasr_core.discovery.plugins import Plugins
from megaasr_core.discovery.registry import IN_TREE

from .code_identity import code_identity
from .content_digests import content_digest, contents_digest
from .fingerprints import as_json

if TYPE_CHECKING:
    from megaasr_core.contracts.backend import Backend
    from megaasr_core.contracts.router import Router
    from megaasr_core.flows.transcriber import Transcriber

Identity = dict[str, Any]
"""Part -> what it is: a digest, or an object of settings, versions and digests."""
IN_FILES = "files"
"""In place of a path among the settings of a unit that says which files it is."""


@runtime_checkable
class HasContentFiles(Protocol):
    """A unit that says which files decide what it does: its weights, wherever its settings lead to.

    Of a unit without this method, the files and folders that its settings name are taken.
    """

    def content_files(self) -> Iterable[Path]:
        """Files and folders whose contents decide the unit's results; nothing is loaded."""
        raise NotImplementedError


def unit_identity(unit: Unit) -> Identity:
    """Name, settings and contents of a unit, such as a backend with its model or a router with its weights.

    Raises:
        MegaasrError: a file cannot be read.
    """
    settings = unit.model_dump()
    if isinstance(unit, HasContentFiles):
        return {
            "name": unit.name,
            "settings": as_json(_resolved(settings, lambda _: IN_FILES)),
            "files": contents_digest(unit.content_files()),
        }
    return {"name": unit.name, "settings": as_json(_resolved(settings, _contents))}


def plugins_identity(plugins: Plugins, units: Iterable[tuple[str, str]] = ()) -> Identity:
    """The plugins of a call that are not megaasr's own: digests of files and modules, versions of distributions.

    Args:
        units: kind and name of what is used. Files and modules count whatever they register, since somebody named them;
            of installed distributions those count that registered one of `units`, or what makes the sound of a row:
            a reader, or a primitive of a plan.
    """
    found: dict[str, str] = {}
    for owner in plugins.owners:
        if owner.digest:
            name = PurePath(owner.path or owner.plugin).name
            found[name] = f"{found[name]} {owner.digest}" if name in found else owner.digest
    heard = [(kind, name) for kind in ("reader", "primitive") for name in plugins.registry(kind)]
    for kind, name in (*units, *heard):
        registry = plugins.registry(kind)
        if name in registry and not (owner := registry.owner(name)).digest and owner.distribution != IN_TREE:
            found[owner.distribution] = owner.version
    return dict(sorted(found.items()))


def transcriber_identity(
    transcriber: Transcriber, plugins: Plugins, adapter: Path | None, options: Mapping[str, Any]
) -> Identity:
    """The parts that every command has that transcribes: code, backend, adapter, router, plugins, decoding, options.

    Args:
        adapter: the folder that the user named, or None.
        options: of the command, as far as they decide its results; batch size and language are added.
    """
    backend, router = transcriber.backend, transcriber.router
    folder = adapter_folder(backend, router, adapter)
    own = {"batch_size": transcriber.batch_size, "language": transcriber.language}
    return {
        "code": code_identity(),
        "backend": unit_identity(backend),
        "adapter": content_digest(folder) if folder else None,
        "router": unit_identity(router),
        "plugins": plugins_identity(plugins, [("backend", backend.name), ("router", router.name)]),
        "decoding": as_json(transcriber.options.model_dump()),
        "options": as_json({**own, **options}),
    }


def adapter_folder(backend: Backend, router: Router, adapter: Path | None) -> Path | None:
    """The folder of the adapter that is mounted: the one that the user named, else the backend's, if it is used."""
    if adapter is None and getattr(router, "adapter", None) is None:
        return None
    return adapter or backend.defaults(adapter).adapter


def _contents(path: Path) -> str:
    return f"contents {content_digest(path)}"


def _resolved(value: Any, of_path: Callable[[Path], str]) -> Any:
    """A setting with something else in place of each path of what is there; sets in one order."""
    if isinstance(value, Mapping):
        return {str(name): _resolved(one, of_path) for name, one in value.items()}
    if isinstance(value, (list, tuple)):
        return [_resolved(one, of_path) for one in value]
    if isinstance(value, (set, frozenset)):
        return sorted((_resolved(one, of_path) for one in value), key=str)
    return of_path(Path(value)) if _is_path(value) else value


def _is_path(value: Any) -> bool:
    """Whether it is a path, or a text that names something that is there; ``/`` and ``.`` are no files of a unit."""
    if not isinstance(value, (str, Path)) or not any(map(str.isalnum, str(value))):
        return False
    try:
        return Path(value).exists()
    except (OSError, ValueError):  # longer than a name may be, or with a NUL
        return False

"""Plugins that are files or folders: imported under a name of their own, so that two may share a file name."""

from __future__ import annotations

import ast
import importlib
import importlib.util
import os
import sys
from collections.abc import Iterator
from hashlib import blake2b
from importlib.machinery import SourceFileLoader
from pathlib import Path
from types import CodeType, ModuleType

from ..base.errors import PluginError


def is_plugin_path(target: str) -> bool:
    """Whether a plugin is named by its file or folder, and not as a module; "" names neither."""
    return target.endswith(".py") or os.sep in target or (target != "" and Path(target).is_dir())


def files_of(path: Path) -> list[Path]:
    """The .py files below a folder, or a file and the siblings that it imports; OSError if one cannot be read."""
    if path.is_dir():
        return sorted(path.rglob("*.py"))
    known, waiting = {path}, [path]
    while waiting:
        new = {one for _, _, base, name in _imports(waiting.pop(), path.parent) for one in _modules(base, name)} - known
        known |= new
        waiting += new
    return [path, *sorted(known - {path})]


def plugin_digest(path: Path) -> str:
    """BLAKE2b-128, hex, of the names and contents of `files_of` a plugin, wherever it lies; OSError if unreadable."""
    digest = blake2b(digest_size=16)
    root = path if path.is_dir() else path.parent
    for file in files_of(path):
        content = file.read_bytes()
        name = "" if file == path else file.relative_to(root).as_posix()
        digest.update(f"{name}:{len(content)}:".encode())
        digest.update(content)
    return digest.hexdigest()


def import_path(path: Path) -> ModuleType:
    """Import a .py file, or a folder with ``__init__.py``, as a module of its own.

    The file may import its siblings: ``from .helper import x``, or ``import helper`` where no other module of that name
    is loaded.

    Raises:
        PluginError: it is not there, cannot be imported, or imports another plugin's file in place of its sibling.
    """
    path = path.resolve()
    if path.is_dir():
        if not (path / "__init__.py").is_file():
            raise PluginError(f"{path}: the folder holds no __init__.py; name a package, or one of its .py files")
        return _imported(_name_of(path), path / "__init__.py", path)
    if not path.is_file():
        raise PluginError(f"{path}: no such file")
    package = _name_of(path.parent)
    if package not in sys.modules:  # a namespace, for relative imports; nothing of the folder is run for it
        namespace = ModuleType(package)
        namespace.__path__ = [str(path.parent)]
        sys.modules[package] = namespace
    if str(path.parent) not in sys.path:
        sys.path.append(str(path.parent))  # last, so that no installed module is hidden
    module = _imported(f"{package}.{path.stem}", path, None)
    _check_siblings(path)
    return module


def _name_of(folder: Path) -> str:
    """The same in every process, so that what the module defines can be pickled."""
    return f"megaasr_plugin_{folder.name}_{blake2b(str(folder).encode(), digest_size=4).hexdigest()}".replace(".", "_")


_DIGESTS: dict[str, str] = {}
"""Module name -> digest of the file that it was imported from."""


class _SourceLoader(SourceFileLoader):
    """Compiles the file each time: bytecode is known by a time in seconds, and one from a full disk would be cut."""

    def get_code(self, fullname: str) -> CodeType:
        path = self.get_filename(fullname)
        return self.source_to_code(self.get_data(path), path)


def _imported(name: str, file: Path, package: Path | None) -> ModuleType:
    digest, loaded = plugin_digest(package or file), sys.modules.get(name)
    if loaded is not None and loaded.__file__ == str(file) and _DIGESTS.get(name, digest) == digest:
        return loaded  # by an import of a sibling or an earlier load: a second module would have classes of its own
    _DIGESTS[name] = digest
    locations = [str(package)] if package is not None else None
    loader = _SourceLoader(name, str(file))
    spec = importlib.util.spec_from_file_location(name, file, loader=loader, submodule_search_locations=locations)
    if spec is None or spec.loader is None:
        raise PluginError(f"{file}: cannot be imported")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module  # so that what it defines can be pickled
    importlib.invalidate_caches()
    try:
        spec.loader.exec_module(module)
    except BaseException:
        del sys.modules[name]
        raise
    return module


def _imports(file: Path, root: Path) -> Iterator[tuple[int, int, Path, str]]:
    """Line, level, folder to look in, and first name of each import in a file; folders outside `root` are left out."""
    try:
        nodes = list(ast.walk(ast.parse(file.read_bytes())))
    except (SyntaxError, ValueError):  # reported when it is imported
        return
    for node in nodes:
        if isinstance(node, ast.Import):
            yield from ((node.lineno, 0, root, alias.name.partition(".")[0]) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = root if not node.level else (file.parent, *file.parents[1:])[node.level - 1]
            names = [node.module] if node.module else [alias.name for alias in node.names]
            if base.is_relative_to(root):
                yield from ((node.lineno, node.level, base, name.partition(".")[0]) for name in names)


def _modules(folder: Path, name: str) -> list[Path]:
    """The files behind a module or package of that name in a folder; none where it is installed elsewhere."""
    file = folder / f"{name}.py"
    return [file] if file.is_file() else sorted((folder / name).rglob("*.py"))


def _check_siblings(path: Path) -> None:
    """``import helper`` must have given the helper.py beside the plugin, not that of another plugin."""
    for file in files_of(path):
        for line, level, base, name in _imports(file, path.parent):
            siblings = [one for one in (base / f"{name}.py", base / name / "__init__.py") if one.is_file()]
            loaded = sys.modules.get(name)
            given = getattr(loaded, "__file__", None)
            if level == 0 and siblings and loaded is not None and Path(str(given)).resolve() not in siblings:
                raise PluginError(
                    f"{file}:{line}: `import {name}` gives {given} and not the file beside the plugin; "
                    f"write `from . import {name}`"
                )

"""Plugins that are files or folders: imported under a name of their own, so that two may share a file name."""

from __future__ import annotations

import ast
import importlib
import importlib.util
import os
import sys
from hashlib import blake2b
from pathlib import Path
from types import ModuleType

from ..base.errors import PluginError


def is_path(target: str) -> bool:
    """Whether a plugin is named by its file or folder, and not as a module."""
    return target.endswith(".py") or os.sep in target or Path(target).is_dir()


def digest_of(path: Path) -> str:
    """BLAKE2b-128, hex, of a .py file, or of the names and contents of all .py files below a folder.

    Raises:
        OSError: it cannot be read.
    """
    digest = blake2b(digest_size=16)
    files = sorted(path.rglob("*.py")) if path.is_dir() else [path]
    for file in files:
        content = file.read_bytes()
        digest.update(f"{file.relative_to(path).as_posix() if path.is_dir() else ''}:{len(content)}:".encode())
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


def _imported(name: str, file: Path, package: Path | None) -> ModuleType:
    locations = [str(package)] if package is not None else None
    spec = importlib.util.spec_from_file_location(name, file, submodule_search_locations=locations)
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


def _check_siblings(path: Path) -> None:
    """``import helper`` must have given the helper.py beside the plugin, not that of another plugin."""
    for node in ast.walk(ast.parse(path.read_bytes())):
        if isinstance(node, ast.Import):
            names = [alias.name.partition(".")[0] for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and not node.level and node.module:
            names = [node.module.partition(".")[0]]
        else:
            continue
        for name in names:
            sibling, loaded = path.with_name(f"{name}.py"), sys.modules.get(name)
            if sibling.is_file() and loaded is not None and Path(str(loaded.__file__)).resolve() != sibling:
                raise PluginError(
                    f"{path}:{node.lineno}: `import {name}` gives {loaded.__file__}, not the file beside the plugin; "
                    f"write `from . import {name}`"
                )

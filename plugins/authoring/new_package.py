"""`new_package` writes the package of a new plugin, which passes the conformance checks as it is."""

from __future__ import annotations

import keyword
import re
import tempfile
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from string import Template
from typing import Literal, get_args

from megaasr import OutputError, PluginError, Plugins, __version__, one_line, unknown_name
from megaasr import __all__ as core_names

Kind = Literal["primitive", "degradation", "reward", "router"]
KINDS: tuple[str, ...] = get_args(Kind)


@dataclass(frozen=True)
class NewPackage:
    """What was written.

    Args:
        folder: of the package.
        module: the file to edit.
        files: all files, relative to `folder`, sorted.
    """

    folder: Path
    module: Path
    files: tuple[str, ...]


def new_package(kind: str, name: str, directory: Path, plugins: Plugins) -> NewPackage:
    """Write ``directory/name/`` whole or not at all: pyproject.toml, README.md, a module, a test.

    Args:
        kind: primitive, degradation, reward or router.
        name: of the plugin: a Python identifier in lower case that nothing of its kind is registered under.
        plugins: where the name must be free.

    Raises:
        UnknownNameError: no such kind.
        PluginError: no identifier, or the name is taken; the message names its owner.
        OutputError: the folder exists, or cannot be written.
    """
    if kind not in KINDS:
        raise unknown_name("kind of plugin to write", kind, KINDS)
    check_name(kind, name, plugins)
    target = directory / name
    if target.exists() or target.is_symlink():
        raise OutputError(f"{target} exists already; choose another name or --directory")
    if not directory.is_dir():
        raise OutputError(f"cannot write {target}: folder {directory} does not exist; create it or choose another")
    texts = package_texts(kind, name)
    try:
        with tempfile.TemporaryDirectory(prefix=f".{name}.", dir=directory) as temporary:
            # Within the temporary folder, whose own permissions are for its owner alone.
            draft = Path(temporary) / name
            for path, text in texts.items():
                (draft / path).parent.mkdir(parents=True, exist_ok=True)
                (draft / path).write_text(text, encoding="utf-8")
            draft.rename(target)
    except OSError as error:
        raise OutputError(f"cannot write {target}: {error.strerror or one_line(error)}") from error
    return NewPackage(target, target / "src" / f"{module_name(kind, name)}.py", tuple(sorted(texts)))


def check_name(kind: str, name: str, plugins: Plugins) -> None:
    """PluginError unless `name` can be a module's, a class's and a plugin's name and is free.

    A degradation shares its names with the scenarios, since commands take either.
    """
    if not re.fullmatch(r"[a-z][a-z0-9_]*", name):
        raise PluginError(f"name {name!r}: use lower-case letters, digits and _, beginning with a letter")
    if keyword.iskeyword(name):
        raise PluginError(f"name {name!r} is a word of Python itself; choose another")
    related = (kind, "scenario") if kind == "degradation" else (kind,)
    for registry in plugins.registries:
        if registry.kind in related and name in registry:
            owner = registry.owner(name)
            raise PluginError(f"{registry.kind} {name!r} is already registered by {owner}; choose another name")


def package_texts(kind: str, name: str) -> dict[str, str]:
    """Relative path -> text of every file of the package."""
    module = module_name(kind, name)
    words = {
        "kind": kind,
        "name": name,
        "module": module,
        "dashed": re.sub("_+", "-", name).strip("-"),
        "class_name": class_name(kind, name),
        "constant": name.upper(),
        "version": __version__,
    }
    templates = files("megaasr_core") / "templates"
    sources = {
        "pyproject.toml": templates / "common" / "pyproject.toml.txt",
        "README.md": templates / kind / "README.md.txt",
        f"src/{module}.py": templates / kind / "plugin.py.txt",
        "tests/test_conformance.py": templates / "common" / "conformance.py.txt",
    }
    return {path: Template(source.read_text("utf-8")).substitute(words) for path, source in sources.items()}


def class_name(kind: str, name: str) -> str:
    """The name in camel case, with the kind behind it where it would hide what the module imports.

    >>> class_name("router", "low_level"), class_name("router", "audio"), class_name("reward", "none")
    ('LowLevel', 'AudioRouter', 'NoneReward')
    """
    camel = "".join(part.capitalize() for part in name.split("_"))
    hides = camel in core_names or camel in {"Field", "Sequence"} or keyword.iskeyword(camel)
    return camel + kind.capitalize() if hides else camel


def module_name(kind: str, name: str) -> str:
    """The importable name; with prefix and kind, so that it hides nothing else."""
    return f"megaasr_{kind}_{name}"

"""`new_package` and `new_file` write a new plugin, which passes the conformance checks as it is."""

from __future__ import annotations

import ast
import builtins
import keyword
import re
import tempfile
from dataclasses import dataclass
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path
from string import Template

from megaasr import OutputError, PluginError, Plugins, __version__, one_line, unknown_name, write_text
from megaasr import __all__ as public_names

COMMON = "megaasr_core:templates/common"
SUFFIX = ".txt"


@dataclass(frozen=True)
class NewPackage:
    """What was written.

    Args:
        folder: of the package, or of the single file.
        module: the file to edit.
        files: all files, relative to `folder`, sorted.
    """

    folder: Path
    module: Path
    files: tuple[str, ...]


def new_package(kind: str, name: str, directory: Path, plugins: Plugins) -> NewPackage:
    """Write ``directory/name/`` whole or not at all: pyproject.toml, README.md, a module, tests.

    Args:
        kind: of `Plugins.templates`: a kind that has a template, or ``command``.
        name: of the plugin: a Python identifier in lower case that nothing of its kind is registered under.
        plugins: whose kinds can be written, and where the name must be free.

    Raises:
        UnknownNameError: no such kind.
        PluginError: no identifier, the name is taken (the message names its owner), or a broken template.
        OutputError: the folder exists, or cannot be written.
    """
    check_name(kind, name, plugins)
    target = _free(directory, directory / name)
    texts = package_texts(kind, name, plugins)
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


def new_file(kind: str, name: str, directory: Path, plugins: Plugins) -> NewPackage:
    """Write ``directory/name.py``, one file for ``--plugin`` or MEGAASR_PLUGINS; args and errors of `new_package`."""
    check_name(kind, name, plugins)
    if all(row.name != kind for row in plugins.kinds):
        raise PluginError(f"a {kind} is loaded from installed packages only; leave out --single-file")
    target = _free(directory, directory / f"{name}.py")
    text = package_texts(kind, name, plugins)[f"src/{module_name(kind, name)}.py"]
    write_text(target, text)
    return NewPackage(directory, target, (target.name,))


def _free(directory: Path, target: Path) -> Path:
    if target.exists() or target.is_symlink():
        raise OutputError(f"{target} exists already; choose another name or --directory")
    if not directory.is_dir():
        raise OutputError(f"cannot write {target}: folder {directory} does not exist; create it or choose another")
    return target


def check_name(kind: str, name: str, plugins: Plugins) -> None:
    """PluginError unless `name` can be a module's, a class's and a plugin's name and is free; UnknownNameError: kind.

    Kinds of one namespace share their names.
    """
    if kind not in plugins.templates:
        if any(row.name == kind for row in plugins.kinds):
            raise PluginError(f"kind {kind} has no template: the package that declares it gives none (Kind.template)")
        raise unknown_name("kind of plugin to write", kind, plugins.templates)
    if not re.fullmatch(r"[a-z][a-z0-9_]*", name):
        raise PluginError(f"name {name!r}: use lower-case letters, digits and _, beginning with a letter")
    if keyword.iskeyword(name):
        raise PluginError(f"name {name!r} is a word of Python itself; choose another")
    namespace = {row.name: row.namespace or row.name for row in plugins.kinds}
    for registry in plugins.registries:
        if namespace[registry.kind] == namespace.get(kind) and name in registry:
            owner = registry.owner(name)
            raise PluginError(f"{registry.kind} {name!r} is already registered by {owner}; choose another name")


def package_texts(kind: str, name: str, plugins: Plugins) -> dict[str, str]:
    """Relative path -> text of every file of the package.

    The kind's template has ``plugin.py.txt`` (the module) and ``README.md.txt``, perhaps ``test_*.py.txt``; a file of
    the name of one of the common files (``pyproject.toml.txt``, ``test_conformance.py.txt``) takes its place.
    """
    own = _texts(plugins.templates[kind], f"the template of kind {kind}")
    if "plugin.py" not in own:
        raise PluginError(f"the template of kind {kind} ({plugins.templates[kind]}) has no file plugin.py{SUFFIX}")
    sources = {**_texts(COMMON, "the common template"), **own}
    module = module_name(kind, name)
    words = {
        "kind": kind,
        "kind_words": kind.replace("_", " "),
        "dashed_kind": kind.replace("_", "-"),
        "name": name,
        "module": module,
        "dashed": re.sub("_+", "-", name).strip("-"),
        "class_name": class_name(kind, name, own["plugin.py"]),
        "constant": name.upper(),
        "function": f"{name}_command" if name in imported_names(own["plugin.py"]) else name,
        "version": __version__,
    }
    texts = {}
    for file, text in sources.items():
        folder = "tests/" if file.startswith("test_") else ""
        path = f"src/{module}.py" if file == "plugin.py" else folder + file
        try:
            texts[path] = Template(text).substitute(words)
        except (KeyError, ValueError) as error:
            raise PluginError(f"the template of kind {kind}: {file}{SUFFIX}: {type(error).__name__} {error}") from error
    return texts


def _texts(template: str, what: str) -> dict[str, str]:
    """File name without ``.txt`` -> text of the files of a template."""
    try:
        if Path(template).is_absolute():
            folder: Traversable = Path(template)
        else:
            package, _, below = template.partition(":")
            folder = files(package).joinpath(below)
        found = [path for path in folder.iterdir() if path.name.endswith(SUFFIX)]
        return {path.name.removesuffix(SUFFIX): path.read_text(encoding="utf-8") for path in found}
    except (OSError, ImportError, ValueError, TypeError, AttributeError) as error:
        raise PluginError(f"{what} ({template}) cannot be read: {one_line(error)}") from error


def class_name(kind: str, name: str, module: str) -> str:
    """The name in camel case, with the kind behind it where it would hide what the module imports or a builtin.

    Args:
        module: text of the module's template.

    >>> class_name("router", "low_level", ""), class_name("router", "audio", ""), class_name("reward", "none", "")
    ('LowLevel', 'AudioRouter', 'NoneReward')
    """
    camel = _camel(name)
    hidden = {*public_names, *imported_names(module), *dir(builtins)}
    return camel + _camel(kind) if camel in hidden or keyword.iskeyword(camel) else camel


def imported_names(module: str) -> set[str]:
    """Names that a template's module imports, or defines itself at its top.

    >>> sorted(imported_names("import csv\\nfrom json import dumps\\nclass Lane: ...\\nclass $class_name: ..."))
    ['Lane', 'csv', 'dumps']
    """
    try:
        tree = ast.parse(Template(module).safe_substitute(class_name="_", constant="_", function="_", name="_"))
    except SyntaxError:  # a placeholder that is unknown, which is reported when it cannot be filled in
        return set()
    names: set[str] = set()
    for node in tree.body:
        if isinstance(node, (ast.Import, ast.ImportFrom)):
            names |= {alias.asname or alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, (ast.ClassDef, ast.FunctionDef)):
            names.add(node.name)
    return names - {"_"}


def _camel(name: str) -> str:
    return "".join(part.capitalize() for part in name.split("_"))


def module_name(kind: str, name: str) -> str:
    """The importable name; with prefix and kind, so that it hides nothing else."""
    return f"megaasr_{kind}_{name}"

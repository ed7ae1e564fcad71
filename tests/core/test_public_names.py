"""The public package: what it declares for type checkers, what it gives at run time, and what its names say."""

from __future__ import annotations

import ast
import inspect
from importlib import import_module
from pathlib import Path

import pytest

import megaasr
from megaasr_core.base.errors import MegaasrError

TREE = ast.parse(Path(megaasr.__file__).read_text(encoding="utf-8"))
API_PAGE = (Path(__file__).parents[2] / "docs" / "plugin-api.md").read_text(encoding="utf-8")


def declared() -> dict[str, str]:
    """Name -> module of the imports under ``if TYPE_CHECKING``."""
    (block,) = [node for node in TREE.body if isinstance(node, ast.If)]
    assert all(isinstance(node, ast.ImportFrom) for node in block.body)
    names = [(alias.asname, alias.name, node.module) for node in block.body for alias in node.names]
    assert all(asname == name for asname, name, _ in names), "an import without `as` is private to a type checker"
    assert len({name for _, name, _ in names}) == len(names)
    modules = [f"megaasr.{node.module}" if node.level else str(node.module) for node in block.body for _ in node.names]
    return {name: module for (_, name, _), module in zip(names, modules, strict=True)}


def test_type_checkers_and_the_interpreter_get_the_same_names():
    given = {name: module for module, names in megaasr._NAMES_BY_MODULE.items() for name in names.split()}
    assert declared() == given
    assert sum(len(names.split()) for names in megaasr._NAMES_BY_MODULE.values()) == len(given), "a name stands twice"


def test_dir_shows_every_name():
    assert set(dir(megaasr)) == {*declared(), "__version__"}
    assert set(megaasr.__all__) == set(declared())


@pytest.mark.parametrize("name", sorted(declared()))
def test_every_name_is_there_and_documented(name):
    thing = getattr(megaasr, name)
    if inspect.isroutine(thing) or (inspect.isclass(thing) and not hasattr(thing, "__origin__")):
        assert (inspect.getdoc(thing) or "").strip(), f"{name} has no docstring"
    elif not name.isupper():  # a type alias or a marker, which has no docstring of its own; constants are excepted
        assert f"`{name}`" in API_PAGE, f"{name} is described neither by a docstring nor in docs/plugin-api.md"


@pytest.mark.parametrize("module", ["megaasr.commands", "megaasr.testing"])
def test_every_name_of_the_other_public_modules_is_documented(module):
    for name in import_module(module).__all__:
        thing = getattr(import_module(module), name)
        if inspect.isclass(thing) or inspect.isroutine(thing):
            assert (inspect.getdoc(thing) or "").strip(), f"{module}.{name} has no docstring"


def test_every_error_is_public():
    errors = import_module("megaasr_core.base.errors")
    own = {name for name, thing in vars(errors).items() if inspect.isclass(thing) and issubclass(thing, MegaasrError)}
    assert own <= set(megaasr.__all__)


def test_a_name_that_is_not_there():
    with pytest.raises(AttributeError, match="no attribute 'transcripe'"):
        megaasr.transcripe  # noqa: B018

"""The core names no plugin: none of the registered names stands in it as a string."""

import ast
from pathlib import Path

import pytest

import megaasr_core
from megaasr import installed_plugins

CORE = Path(megaasr_core.__file__).parent
NOT_SEARCHED = {"testing", "templates"}
"""The kit knows plugins as what it tests, and templates are what `megaasr new` writes."""


def strings_of(source: str) -> set[str]:
    """Every whole string of a module, docstrings and parts of f-strings apart."""
    tree = ast.parse(source)
    parts = {id(part) for node in ast.walk(tree) if isinstance(node, ast.JoinedStr) for part in node.values}
    return {
        node.value
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in parts
    }


def registered_names() -> set[str]:
    """Of the plugins in this repository. Commands are left out, and words that mean something else in the core too."""
    plugins = installed_plugins()
    rows = [row for row in plugins.rows() if row.owner.distribution == "megaasr" and row.kind != "command"]
    other_words = {kind.name for kind in plugins.kinds} | {"noise", "rir", "plan"}  # banks, and a key of draws
    return {row.name for row in rows} - other_words


NAMES = registered_names()


def test_the_search_finds_a_name():
    assert {"whisper", "far_field", "confidence", "always_base"} <= NAMES
    assert strings_of('usual = "confidence" if adapter else f"{whisper} confidence"') & NAMES == {"confidence"}


@pytest.mark.parametrize(
    "path",
    [path for path in sorted(CORE.rglob("*.py")) if not NOT_SEARCHED & set(path.relative_to(CORE).parts)],
    ids=lambda path: str(path.relative_to(CORE)),
)
def test_no_registered_name_is_a_string_of_the_core(path):
    assert strings_of(path.read_text(encoding="utf-8")) & NAMES == set()

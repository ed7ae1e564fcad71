"""``pytest --megaasr KIND:NAME``: checks without a test file. Every run of pytest loads this, so it imports nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pytest


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the two options."""
    group = parser.getgroup("megaasr", "conformance of megaasr plugins")
    group.addoption(
        "--megaasr",
        dest="megaasr_specs",
        action="append",
        default=[],
        metavar="KIND:NAME",
        help="Check a plugin, e.g. degradation:telephone; without a path on the line, check nothing else. Repeatable.",
    )
    group.addoption(
        "--megaasr-plugin",
        dest="megaasr_plugins",
        action="append",
        default=[],
        metavar="FILE_OR_MODULE",
        help="Load one more plugin for --megaasr: a .py file or a module. Repeatable.",
    )


def pytest_configure(config: pytest.Config) -> None:
    """Load the rest of the kit, but only for a run that asks for it."""
    if config.getoption("megaasr_specs"):
        from .items import ConformanceRun

        config.pluginmanager.register(ConformanceRun(config), "megaasr-conformance")

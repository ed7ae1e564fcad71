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
        help="Check a plugin, e.g. degradation:telephone, 'degradation:*' or scenario:FILE.yaml; "
        "without a path on the line, check nothing else. Repeatable.",
    )
    group.addoption(
        "--megaasr-plugin",
        dest="megaasr_plugins",
        action="append",
        default=[],
        metavar="FILE_OR_MODULE",
        help="Load one more plugin: a .py file, a folder or a module; without --megaasr, check all that it registers. "
        "Repeatable.",
    )


def pytest_configure(config: pytest.Config) -> None:
    """Load the rest of the kit, but only for a run that uses it."""
    if config.getoption("megaasr_specs") or config.getoption("megaasr_plugins"):
        from .items import ConformanceRun

        config.pluginmanager.register(ConformanceRun(config), "megaasr-conformance")

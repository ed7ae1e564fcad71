"""What ``pytest --megaasr`` adds to a run: one item a check."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import groupby
from typing import Any

import pytest

from .case import Case
from .kit import cases


class ConformanceRun:
    """Collects the checks of the plugins that the command line names, or else of those that its plugin files register.

    Args:
        config: of the run. Where its command line names no path, the configured test paths are left out.
    """

    def __init__(self, config: pytest.Config) -> None:
        self.specs: list[str] = list(dict.fromkeys(config.getoption("megaasr_specs")))
        self.extra: list[str] = config.getoption("megaasr_plugins")
        if config.args_source is not pytest.Config.ArgsSource.ARGS:
            config.args = []
            config.args_source = pytest.Config.ArgsSource.ARGS

    @pytest.hookimpl(tryfirst=True)  # before -k and -m choose
    def pytest_collection_modifyitems(self, session: pytest.Session, items: list[pytest.Item]) -> None:
        """Add the items."""
        plugins: dict[str, list[Case]] = {}
        for spec in self.specs or [""]:
            for name, group in groupby(cases(spec, self.extra), key=lambda case: case.spec):
                plugins.setdefault(name, list(group))
        for name, chosen in plugins.items():
            plugin = ConformancePlugin.from_parent(session, name=name, nodeid=name, chosen=chosen)
            items.extend(session.genitems(plugin))


class ConformancePlugin(pytest.Collector):
    """The node of one plugin; its children are the checks."""

    def __init__(self, *, chosen: Iterable[Case], **node: Any) -> None:
        super().__init__(**node)
        self.chosen = tuple(chosen)

    def collect(self) -> list[pytest.Item]:
        """One item a check."""
        return [ConformanceItem.from_parent(self, name=case.name, case=case) for case in self.chosen]


class ConformanceItem(pytest.Item):
    """One check of one plugin."""

    def __init__(self, *, case: Case, **node: Any) -> None:
        super().__init__(**node)
        self.case = case

    def runtest(self) -> None:
        """Run the check."""
        self.case()

    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException]) -> Any:  # type: ignore[override]
        """The check's one line; a traceback only of what the plugin itself raised."""
        excinfo.traceback = excinfo.traceback.cut(path=__file__)[:1]
        return super().repr_failure(excinfo, style="short")

    def reportinfo(self) -> tuple[Any, int | None, str]:
        """Where pytest says that the item is."""
        return self.path, None, f"{self.parent.name if self.parent else ''}::{self.name}"

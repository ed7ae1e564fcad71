"""Fixtures of the kit's tests, which conftest.py imports: files of plugins, and a run of pytest inside a test."""

from __future__ import annotations

from pathlib import Path

import pytest

GOOD = '''
"""A plugin."""
from megaasr import Reward, hookimpl

class Length(Reward):
    """Whether anything was said.

    >>> Length().name
    'kit_length'
    """
    name = "kit_length"

    def score(self, batch):
        return [float(bool(sample.hypothesis)) if sample.reference else None for sample in batch]

class TooLong(Length):
    """Breaks its bounds.

    >>> 1
    1
    """
    name = "kit_too_long"

    def score(self, batch):
        return [float(len(sample.hypothesis)) if sample.hypothesis == sample.reference else 0.0 for sample in batch]

@hookimpl
def register_rewards(register):
    register(Length)
    register(TooLong)
'''
SEVERAL = """
from megaasr import Degradation, Role, hookimpl, step, Range
from kit_rewards import Length

class Other(Length):
    \"\"\"Another.

    >>> 1
    1
    \"\"\"
    name = "kit_other"

@hookimpl
def register_rewards(register):
    register(Other)

@hookimpl
def register_degradations(register):
    register(Degradation("kit_thin", Role.MODIFIER, (step("add_distortion", drive_db=Range(1.0, 9.0)),), "Thin."))
"""
SCENARIO = """
name: kit_far_call
effects: [noise, kit_thin]
overrides:
  noise: {add_noise: {snr_db: [15.0, 0.0]}}
"""
COMPOSED = """
terms:
  - {name: kit_length, weight: 0.5}
  - {name: wer_accuracy, weight: 1.0}
"""


@pytest.fixture
def plugin_file(tmp_path) -> Path:
    path = tmp_path / "kit_rewards.py"
    path.write_text(GOOD, encoding="utf-8")
    return path


@pytest.fixture
def two_files(plugin_file, tmp_path) -> list[Path]:
    second = tmp_path / "kit_more.py"
    second.write_text(SEVERAL.replace("from kit_rewards import Length", GOOD.partition("class TooLong")[0]), "utf-8")
    second.write_text(second.read_text("utf-8").replace('name = "kit_length"', 'name = "kit_base"'), "utf-8")
    (tmp_path / "scenario.yaml").write_text(SCENARIO, encoding="utf-8")
    (tmp_path / "reward.yaml").write_text(COMPOSED, encoding="utf-8")
    return [plugin_file, second]


class Outcomes:
    """Collects what an inner run of pytest reports."""

    def __init__(self) -> None:
        self.of: dict[str, str] = {}
        self.text: dict[str, str] = {}

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.when == "call" or report.failed:
            self.of[report.nodeid] = report.outcome
            self.text[report.nodeid] = report.longreprtext if report.failed else str(report.longrepr)


@pytest.fixture
def run_pytest(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "pytest.ini").write_text("[pytest]\nfilterwarnings = error\n", encoding="utf-8")

    def run(*arguments: object) -> tuple[int, Outcomes]:
        outcomes = Outcomes()
        off = ("cacheprovider", "randomly", "faulthandler", "unraisableexception", "threadexception", "logging")
        options = [part for name in off for part in ("-p", f"no:{name}")]
        code = pytest.main([*options, "-s", "-q", *map(str, arguments)], plugins=[outcomes])
        return int(code), outcomes

    return run

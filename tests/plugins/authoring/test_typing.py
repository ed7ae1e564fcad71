"""Third-party plugins under `mypy --strict`, with megaasr as an installed, typed package."""

from __future__ import annotations

import subprocess
import sys
import sysconfig
import tomllib
from pathlib import Path

import pytest

from megaasr import load_plugins
from megaasr_plugins.authoring.new_package import new_file, new_package

ROOT = Path(__file__).parents[3]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["setuptools"]
UNTYPED = ("numba", "ray", "scipy", "torch", "transformers")
"""Packages that no public type of megaasr is made of; mypy takes most of a minute to read them."""
BY_HAND = '''
"""A plugin as a third party would write it, without a template."""

from collections.abc import Callable, Sequence

import numpy as np
from pydantic import Field

import megaasr
from megaasr import Degradation, Primitive, Range, Reward, RewardSample, Role, Route, Router, Score, hookimpl, step


class Fade(Primitive):
    """Fade the beginning in."""

    name = "fade"
    changes = frozenset({"level"})
    fade_s: float = Field(0.1, gt=0.0, le=5.0, description="length of the fade in seconds")

    def apply(self, samples: megaasr.Samples, sample_rate: int, context: megaasr.ApplyContext) -> megaasr.Samples:
        """The samples with a fade."""
        gain = np.minimum(1.0, np.arange(len(samples)) / (self.fade_s * sample_rate))
        return (samples * gain).astype(np.float32)


FADED = Degradation("faded", Role.MODIFIER, (step("fade", fade_s=Range(0.1, 2.0)),), "a late start")


class Brevity(Reward):
    """Reward short hypotheses."""

    name = "brevity"
    bounds = (0.0, 1.0)

    def score(self, batch: Sequence[RewardSample]) -> list[Score]:
        """One score a sample."""
        return [1.0 / (1.0 + len(row.hypothesis)) for row in batch]


class Never(Router):
    """Route everything to the base."""

    name = "never"

    def route(self, batch: Sequence[megaasr.Utterance]) -> list[Route]:
        """One route an utterance."""
        return [Route(None, "always the base") for _ in batch]


@hookimpl
def register_primitives(register: Callable[[type[Primitive]], None]) -> None:
    register(Fade)


@hookimpl
def register_degradations(register: Callable[[Degradation], None]) -> None:
    register(FADED)


@hookimpl
def register_rewards(register: Callable[[type[Reward]], None]) -> None:
    register(Brevity)


@hookimpl
def register_routers(register: Callable[[type[Router]], None]) -> None:
    register(Never)
'''


@pytest.fixture(scope="module")
def environment(tmp_path_factory) -> Path:
    """A virtual environment that has what this one has, and megaasr's packages in its own site-packages."""
    folder = tmp_path_factory.mktemp("typed") / "venv"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(folder)], check=True)
    (site,) = folder.glob("lib/python*/site-packages")
    (site / "others.pth").write_text(sysconfig.get_path("purelib") + "\n")
    for package, home in PROJECT["package-dir"].items():
        (site / package).symlink_to(ROOT / home, target_is_directory=True)
    return folder


def mypy(environment: Path, *paths: Path) -> subprocess.CompletedProcess[str]:
    settings = environment / "mypy.ini"
    sections = (f"[mypy-{package}.*]\nfollow_imports = skip\n" for package in UNTYPED)
    settings.write_text("".join(["[mypy]\n", *sections]), encoding="utf-8")
    command = [sys.executable, "-m", "mypy", "--strict", f"--config-file={settings}", "--cache-dir=/dev/null"]
    command += ["--python-executable", str(environment / "bin" / "python"), *map(str, paths)]
    return subprocess.run(command, cwd=environment, capture_output=True, text=True, check=False)


@pytest.mark.slow
def test_plugins_of_third_parties_are_clean_under_strict_mypy(environment, tmp_path):
    """One that is written by hand, and what `megaasr new` writes of every kind; a wrong one is found out."""
    (tmp_path / "by_hand.py").write_text(BY_HAND.lstrip(), encoding="utf-8")
    assert not load_plugins([str(tmp_path / "by_hand.py")]).failures
    plugins = load_plugins()
    paths = [tmp_path / "by_hand.py"]
    for kind in plugins.templates:
        write = new_file if any(row.name == kind for row in plugins.kinds) else new_package
        paths.append(write(kind, f"typed_{kind}", tmp_path, plugins).module)
    wrong = tmp_path / "wrong.py"
    wrong.write_text(BY_HAND.lstrip().replace("-> list[Score]", "-> list[str]"), encoding="utf-8")
    done = mypy(environment, *paths, wrong)
    assert done.returncode == 1, done.stdout + done.stderr
    assert f"in 1 file (checked {len(paths) + 1} source files)" in done.stdout, done.stdout
    assert all(line.startswith(f"{wrong}:") for line in done.stdout.splitlines()[:-1]), done.stdout
    assert 'incompatible with return type "list[float | None]" in supertype' in done.stdout, done.stdout


def test_every_package_ships_its_marker_and_templates():
    for package, home in PROJECT["package-dir"].items():
        assert (ROOT / home / "py.typed").is_file()
        assert "py.typed" in PROJECT["package-data"][package]
    for template in load_plugins().templates.values():
        package, _, below = template.partition(":")
        top, *rest = package.split(".")
        file = Path(*rest, below, "plugin.py.txt")
        assert (ROOT / PROJECT["package-dir"][top] / file).is_file()
        patterns = PROJECT["package-data"][top]
        assert any(pattern.endswith("**/*") and file.is_relative_to(pattern[: -len("/**/*")]) for pattern in patterns)

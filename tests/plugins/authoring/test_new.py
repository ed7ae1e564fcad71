"""`megaasr new`: every package passes its checks as it is written, and nothing is overwritten or left half done."""

from __future__ import annotations

import os
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from megaasr_core.base.errors import OutputError, PluginError, UnknownNameError
from megaasr_core.discovery.loading import import_target, load_plugins
from megaasr_core.testing import cases, failures, plugins_of
from megaasr_plugins.authoring.commands.new import Kind, new
from megaasr_plugins.authoring.new_package import KINDS, new_package


@pytest.fixture(scope="module")
def plugins():
    return load_plugins()


@pytest.mark.parametrize("kind", KINDS)
def test_it_passes_the_checks_as_generated(kind, tmp_path, plugins):
    package = new_package(kind, f"first_{kind}", tmp_path, plugins)
    chosen = cases(f"{kind}:first_{kind}", [package.module])
    assert len(chosen) > 10
    assert failures(chosen) == {}


def test_the_generated_tests_and_examples_pass(tmp_path, plugins):
    packages = [new_package(kind, f"second_{kind}", tmp_path, plugins) for kind in KINDS]
    modules = os.pathsep.join(str(package.module) for package in packages)
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--import-mode=importlib"]
    command += ["--doctest-modules", *(str(package.folder) for package in packages)]
    environment = {**os.environ, "MEGAASR_PLUGINS": modules}
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    num_checks = sum(
        len(cases(f"{kind}:second_{kind}", [package.module])) for kind, package in zip(KINDS, packages, strict=True)
    )
    assert f"{num_checks + 1} passed" in done.stdout, "every check, and the reward's example"


@pytest.mark.parametrize("kind", KINDS)
def test_what_is_written(kind, tmp_path, plugins):
    package = new_package(kind, "tin_can", tmp_path, plugins)
    module = f"megaasr_{kind}_tin_can"
    written = {path.relative_to(package.folder).as_posix() for path in package.folder.rglob("*") if path.is_file()}
    assert written == set(package.files)
    assert written == {"pyproject.toml", "README.md", f"src/{module}.py", "tests/test_conformance.py"}
    assert package.module == tmp_path / "tin_can" / "src" / f"{module}.py"
    assert not any("$" in (package.folder / path).read_text(encoding="utf-8") for path in written)
    assert len(package.module.read_text(encoding="utf-8").splitlines()) <= 25
    project = tomllib.loads((package.folder / "pyproject.toml").read_text(encoding="utf-8"))
    assert project["project"]["name"] == f"megaasr-{kind}-tin-can"
    assert project["project"]["license"] == "Apache-2.0"
    assert project["project"]["entry-points"]["megaasr"] == {f"{kind}.tin_can": module}
    assert project["tool"]["setuptools"]["py-modules"] == [module]


@pytest.mark.parametrize("name", ["", "Tin", "tin-can", "1st", "_tin", "tin can", "tín", "../tin", "tin+can"])
def test_names_that_cannot_be(name, tmp_path, plugins):
    with pytest.raises(PluginError, match="use lower-case letters, digits and _"):
        new_package("reward", name, tmp_path, plugins)
    assert list(tmp_path.iterdir()) == []


def test_a_word_of_python(tmp_path, plugins):
    with pytest.raises(PluginError, match="'lambda' is a word of Python"):
        new_package("reward", "lambda", tmp_path, plugins)


@pytest.mark.parametrize(
    ("kind", "name"), [("router", "route"), ("router", "audio"), ("reward", "score"), ("reward", "none")]
)
def test_names_that_the_module_imports_itself(kind, name, tmp_path, plugins):
    package = new_package(kind, name, tmp_path, plugins)
    assert failures(cases(f"{kind}:{name}", plugins=plugins_of_file(package.module))) == {}


def plugins_of_file(module: Path):
    loaded = import_target(str(module))
    (unit,) = (
        thing
        for thing in vars(loaded).values()
        if getattr(thing, "__module__", None) == loaded.__name__ and isinstance(thing, type)
    )
    return plugins_of(unit)


def test_a_taken_name_tells_whose_it_is(tmp_path, plugins):
    with pytest.raises(
        PluginError, match=r"^router 'always_base' is already registered by router\.always_base \(megaasr "
    ):
        new_package("router", "always_base", tmp_path, plugins)
    new_package("reward", "always_base", tmp_path, plugins)  # another kind has names of its own


def test_a_degradation_may_not_be_called_like_a_scenario(tmp_path):
    from megaasr import Degradation, Primitive, Role, Scenario, step

    class Nothing(Primitive):
        """Nothing."""

        name = "nothing"

        def apply(self, samples, sample_rate, context):
            return samples

    calm = Degradation("calm", Role.MODIFIER, (step("nothing"),))
    registered = plugins_of(Nothing, calm, Scenario("calm_street", ("calm",)))
    for name, kind in (("calm", "degradation"), ("calm_street", "scenario")):
        with pytest.raises(PluginError, match=f"{kind} '{name}' is already registered by things"):
            new_package("degradation", name, tmp_path, registered)


def test_an_unknown_kind(tmp_path, plugins):
    with pytest.raises(UnknownNameError, match="did you mean 'router'"):
        new_package("roter", "mine", tmp_path, plugins)


def test_a_folder_that_exists_is_left_alone(tmp_path, plugins):
    (tmp_path / "mine").mkdir()
    with pytest.raises(OutputError, match="mine exists already; choose another name or --directory"):
        new_package("reward", "mine", tmp_path, plugins)
    assert list((tmp_path / "mine").iterdir()) == []


def test_a_folder_that_is_not_there(tmp_path, plugins):
    with pytest.raises(OutputError, match="nowhere does not exist"):
        new_package("reward", "mine", tmp_path / "nowhere", plugins)


def test_a_failure_leaves_nothing(tmp_path, plugins, monkeypatch):
    def full(self: Path, *_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "rename", full)
    with pytest.raises(OutputError, match="No space left on device"):
        new_package("reward", "mine", tmp_path, plugins)
    assert list(tmp_path.iterdir()) == []


def command(*arguments: str):
    app = typer.Typer()
    app.command()(new)
    return CliRunner().invoke(app, list(arguments))


def test_the_command_prints_the_next_steps(tmp_path):
    done = command("degradation", "mine", "--directory", str(tmp_path))
    assert done.exit_code == 0, done.output
    lines = done.stdout.splitlines()
    module = tmp_path / "mine" / "src" / "megaasr_degradation_mine.py"
    assert lines == [
        f"edit:    {module}",
        f"install: pip install -e {tmp_path / 'mine'}",
        f"check:   pytest {tmp_path / 'mine'}   (not installed: "
        f"pytest --megaasr degradation:mine --megaasr-plugin {module})",
    ]
    assert module.is_file()


def test_the_command_writes_into_the_current_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert command("router", "mine").exit_code == 0
    assert (tmp_path / "mine" / "pyproject.toml").is_file()


def test_the_command_refuses(tmp_path):
    assert isinstance(command("reward", "Mine", "--directory", str(tmp_path)).exception, PluginError)
    assert command("scenario", "mine").exit_code == 2
    assert [kind.value for kind in Kind] == list(KINDS)

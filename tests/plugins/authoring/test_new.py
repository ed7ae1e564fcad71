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

from megaasr import Kind
from megaasr_core.base.errors import OutputError, PluginError, UnknownNameError
from megaasr_core.discovery.kinds import KINDS as CORE_KINDS
from megaasr_core.discovery.loading import import_target, load_plugins
from megaasr_core.testing import cases, failures, plugins_of
from megaasr_plugins.authoring.commands.new import new
from megaasr_plugins.authoring.new_package import new_file, new_package

KINDS = [kind.name for kind in CORE_KINDS] + ["normaliser", "corpus_source"]
WRITABLE = [*KINDS, "command"]
MORE_TESTS = {
    "backend": ["test_adapter.py"],
    "reader": ["test_rows.py"],
    "trainer": ["test_training.py"],
    "corpus_source": ["test_rows.py"],
    "normaliser": ["test_pairs.py"],
}


@pytest.fixture(scope="module")
def plugins():
    return load_plugins()


def test_every_kind_can_be_written(plugins):
    assert list(plugins.templates) == WRITABLE
    assert [kind.name for kind in plugins.kinds] == KINDS


@pytest.mark.parametrize("kind", [pytest.param(k, marks=pytest.mark.slow) if k == "engine" else k for k in KINDS])
def test_it_passes_the_checks_as_generated(kind, tmp_path, plugins):
    file = new_file(kind, f"first_{kind}", tmp_path, plugins)
    assert [path.name for path in tmp_path.iterdir()] == [f"first_{kind}.py"]
    chosen = cases(f"{kind}:first_{kind}", [file.module])
    assert len(chosen) > 3
    assert failures(chosen) == {}


def installed(package, site: Path) -> None:
    """What pip would put into site-packages."""
    project = tomllib.loads((package.folder / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    folder = site / f"{project['name'].replace('-', '_')}-{project['version']}.dist-info"
    folder.mkdir(parents=True)
    (folder / "METADATA").write_text(f"Name: {project['name']}\nVersion: {project['version']}\n", encoding="utf-8")
    points = project["entry-points"]["megaasr"]
    lines = ["[megaasr]", *(f"{name} = {module}" for name, module in points.items())]
    (folder / "entry_points.txt").write_text("\n".join(lines), encoding="utf-8")
    (site / package.module.name).write_text(package.module.read_text(encoding="utf-8"), encoding="utf-8")


@pytest.mark.slow
def test_the_written_packages_pass_their_tests_and_ruff(tmp_path, plugins):
    """All in one run, installed as pip would: pytest with the doctests, ruff check and ruff format."""
    (tmp_path / "packages").mkdir()
    packages = [new_package(kind, f"second_{kind}", tmp_path / "packages", plugins) for kind in WRITABLE]
    for package in packages:
        installed(package, tmp_path / "site")
    environment = {name: value for name, value in os.environ.items() if name != "MEGAASR_PLUGINS"}
    environment["PYTHONPATH"] = str(tmp_path / "site")
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--import-mode=importlib"]
    command += ["--doctest-modules", *(str(package.folder) for package in packages)]
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    num_checks = sum(
        len(cases(f"{kind}:second_{kind}", [package.module])) for kind, package in zip(KINDS, packages, strict=False)
    )
    num_more = 2 + 3 + 2 + 4 + 1 + 2  # of the backend, reader, trainer, normaliser, corpus source, command
    assert f"{num_checks + num_more + 2} passed" in done.stdout, "every check and test, and two examples"
    for arguments in (["check"], ["format", "--check"]):  # each file by the settings of its own package
        ruff = [sys.executable, "-m", "ruff", *arguments, "--no-cache", *(str(package.folder) for package in packages)]
        done = subprocess.run(ruff, cwd=tmp_path, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
    command = [sys.executable, "-m", "megaasr_core.cli", "second-command", "--help"]
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
    assert "Example: megaasr second-command a.wav b.wav" in done.stdout, done.stderr


@pytest.mark.parametrize("kind", WRITABLE)
def test_what_is_written(kind, tmp_path, plugins):
    package = new_package(kind, "tin_can", tmp_path, plugins)
    module = f"megaasr_{kind}_tin_can"
    written = {path.relative_to(package.folder).as_posix() for path in package.folder.rglob("*") if path.is_file()}
    assert written == set(package.files)
    tests = {f"tests/{name}" for name in ["test_conformance.py", *MORE_TESTS.get(kind, [])]}
    assert written == {"pyproject.toml", "README.md", f"src/{module}.py", *tests}
    assert package.module == tmp_path / "tin_can" / "src" / f"{module}.py"
    assert not any("$" in (package.folder / path).read_text(encoding="utf-8") for path in written)
    assert len(package.module.read_text(encoding="utf-8").splitlines()) <= 105
    project = tomllib.loads((package.folder / "pyproject.toml").read_text(encoding="utf-8"))
    assert project["project"]["name"] == f"megaasr-{kind.replace('_', '-')}-tin-can"
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


def test_a_command_in_a_single_file_is_refused(tmp_path, plugins):
    with pytest.raises(PluginError, match="a command is loaded from installed packages only"):
        new_file("command", "mine", tmp_path, plugins)
    assert list(tmp_path.iterdir()) == []


def test_a_file_that_exists_is_left_alone(tmp_path, plugins):
    (tmp_path / "mine.py").write_text("kept")
    with pytest.raises(OutputError, match=r"mine\.py exists already"):
        new_file("reward", "mine", tmp_path, plugins)
    assert (tmp_path / "mine.py").read_text() == "kept"


def with_kind(template: str):
    """A kind of a third party beside those of the core."""
    from types import ModuleType

    from megaasr import Owner, Plugins, Unit, hookimpl

    module = ModuleType("guards")
    kind = Kind("guard", Unit, 200, "Refuses recordings.", template=template)
    module.register_kinds = hookimpl(lambda register: register(kind))
    plugins = Plugins()
    plugins.add(module, Owner("guards", "file", "-"))
    plugins.fill()
    assert not plugins.failures
    return plugins


def test_a_kind_from_outside_brings_its_template(tmp_path):
    template = tmp_path / "template"
    template.mkdir()
    (template / "plugin.py.txt").write_text("class $class_name: ...  # a $kind\n")
    (template / "README.md.txt").write_text("# $name\n")
    package = new_package("guard", "loud", tmp_path, with_kind(str(template)))
    assert package.module.read_text() == "class Loud: ...  # a guard\n"
    assert "tests/test_conformance.py" in package.files


def test_templates_that_cannot_be_used(tmp_path):
    with pytest.raises(PluginError, match="kind guard has no template"):
        new_package("guard", "loud", tmp_path, with_kind(""))
    with pytest.raises(PluginError, match=r"the template of kind guard \(nowhere:x\) cannot be read"):
        new_package("guard", "loud", tmp_path, with_kind("nowhere:x"))
    with pytest.raises(PluginError, match=r"has no file plugin\.py\.txt"):
        new_package("guard", "loud", tmp_path, with_kind(str(tmp_path)))
    (tmp_path / "plugin.py.txt").write_text("$unknown\n")
    with pytest.raises(PluginError, match=r"plugin\.py\.txt: KeyError 'unknown'"):
        new_package("guard", "loud", tmp_path, with_kind(str(tmp_path)))
    assert [path.name for path in tmp_path.iterdir()] == ["plugin.py.txt"]


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
    assert isinstance(command("scenery", "mine").exception, UnknownNameError)


def test_the_command_writes_a_single_file(tmp_path):
    done = command("backend", "mine", "--single-file", "--directory", str(tmp_path))
    module = tmp_path / "mine.py"
    assert done.stdout.splitlines() == [
        f"edit:    {module}",
        f"use:     --plugin {module} with any command, or MEGAASR_PLUGINS={module}",
        f"check:   pytest --megaasr backend:mine --megaasr-plugin {module}",
    ]
    assert module.is_file()

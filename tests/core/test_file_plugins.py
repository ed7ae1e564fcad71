"""Plugins that are files and folders: their siblings, their digests, and their way into other processes."""

import pickle
import subprocess
import sys

import pytest

from megaasr import Audio, PluginError, is_plugin_path, load_plugins, plugin_digest
from megaasr_core.discovery import loading as discovery

PLUGIN = '''
"""A primitive whose gain is in a file beside it."""
from typing import ClassVar
from megaasr import Primitive, hookimpl
{how}

class {name}(Primitive):
    """Multiply by what the helper says."""
    name: ClassVar[str] = "{name}"
    factor: float = FACTOR

    def apply(self, samples, sample_rate, context):
        return samples * self.factor

@hookimpl
def register_primitives(register):
    register({name})
'''
RELATIVE = "from .helper import FACTOR"


@pytest.fixture(autouse=True)
def nothing_installed(monkeypatch):
    monkeypatch.setattr(discovery, "entry_points", lambda group: [])
    monkeypatch.delenv(discovery.ENVIRONMENT, raising=False)


@pytest.fixture
def write(tmp_path):
    """Write a plugin and its helper into a folder of their own."""

    def written(folder, name, factor, how=RELATIVE, helper="helper"):
        (tmp_path / folder).mkdir(exist_ok=True)
        (tmp_path / folder / f"{helper}.py").write_text(f"FACTOR = {factor}\n")
        path = tmp_path / folder / "plugin.py"
        path.write_text(PLUGIN.format(name=name, how=how))
        return path

    return written


def test_two_plugins_in_two_folders_import_helpers_of_one_name(write):
    plugins = load_plugins([str(write("a", "First", 2.0)), str(write("b", "Second", 3.0))])
    factors = {name: plugins.primitives[name].create().factor for name in plugins.primitives}
    assert factors == {"First": 2.0, "Second": 3.0}


def test_an_empty_name_is_not_the_working_folder(write, monkeypatch):
    monkeypatch.chdir(write("a", "First", 2.0).parent)
    assert is_plugin_path(".")
    assert not is_plugin_path("")
    with pytest.raises(PluginError, match="Empty module name"):
        load_plugins([""])


def test_a_plain_import_of_another_plugins_helper_is_refused(write):
    how = "from helper_of_two import FACTOR"
    first = write("a", "First", 2.0, how, "helper_of_two")
    second = write("b", "Second", 3.0, how, "helper_of_two")
    assert load_plugins([str(first)]).primitives["First"].create().factor == 2.0
    expected = r"b/plugin\.py:5: `import helper_of_two` gives .*/a/helper_of_two\.py .*`from \. import helper_of_two`"
    with pytest.raises(PluginError, match=expected):
        load_plugins([str(first), str(second)])


def test_a_helpers_own_plain_import_is_checked_too(write):
    first = write("a", "First", 2.0, "from helper_chained import FACTOR", "helper_chained")
    assert not load_plugins([str(first)]).failures
    second = write("b", "Second", 3.0, "from .between import FACTOR", "helper_chained")
    second.with_name("between.py").write_text("from helper_chained import FACTOR\n")
    with pytest.raises(PluginError, match=r"between\.py:1: `import helper_chained` gives .*/a/helper_chained\.py"):
        load_plugins([str(second)])


def test_a_folder_is_a_package(tmp_path, write):
    path = write("pack", "Packed", 5.0)
    path.rename(path.with_name("__init__.py"))
    plugins = load_plugins([str(tmp_path / "pack")])
    assert plugins.primitives["Packed"].create().factor == 5.0
    owner = plugins.primitives.owner("Packed")
    assert (owner.distribution, owner.path) == ("file", str(tmp_path / "pack"))
    assert owner.digest == plugin_digest(tmp_path / "pack")
    path.with_name("__init__.py").unlink()
    with pytest.raises(PluginError, match=r"holds no __init__\.py"):
        load_plugins([str(tmp_path / "pack")])


def test_the_digest_covers_the_siblings_that_are_imported_wherever_they_lie(write, tmp_path):
    one, other = write("a", "First", 2.0), write("b", "First", 2.0)
    assert plugin_digest(one) == plugin_digest(other)
    before = plugin_digest(one)
    one.with_name("unrelated.py").write_text("x = 1\n")
    assert plugin_digest(one) == before
    one.with_name("deep").mkdir()
    one.with_name("deep").joinpath("leaf.py").write_text("VALUE = 1\n")
    one.with_name("helper.py").write_text("def late():\n    from .deep import leaf\nFACTOR = 2.0\n")
    with_folder = plugin_digest(one)
    one.with_name("deep").joinpath("leaf.py").write_text("VALUE = 2\n")
    assert len({before, with_folder, plugin_digest(one)}) == 3
    other.with_name("helper.py").write_text("FACTOR = 4.0\n")
    assert plugin_digest(other) != before
    assert load_plugins([str(other)]).primitives.owner("First").digest == plugin_digest(other)


def test_a_module_has_a_path_and_a_digest_too(write, monkeypatch):
    path = write("a", "First", 2.0, how="FACTOR = 2.0")
    path = path.rename(path.with_name("module_of_a_test.py"))
    monkeypatch.syspath_prepend(str(path.parent))
    owner = load_plugins(["module_of_a_test"]).primitives.owner("First")
    assert (owner.distribution, owner.path, owner.digest) == ("module", str(path), plugin_digest(path))
    assert owner.origin == "the module module_of_a_test"


def test_a_primitive_of_a_file_travels_to_a_process_that_loads_the_file(write, tmp_path):
    path = write("a", "First", 2.0)
    primitive = load_plugins([str(path)]).primitives["First"].create({"factor": 7.0})
    assert pickle.loads(pickle.dumps(primitive)) == primitive
    (tmp_path / "pickled").write_bytes(pickle.dumps(primitive))
    code = (
        "import pickle, pathlib; from megaasr import load_plugins\n"
        f"load_plugins([{str(path)!r}])\n"
        f"print(pickle.loads(pathlib.Path({str(tmp_path / 'pickled')!r}).read_bytes()).factor)"
    )
    other = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert other.stdout == "7.0\n"


def test_plugins_are_pickled_as_what_they_load(write):
    plugins = load_plugins([str(write("a", "First", 2.0))])
    again = pickle.loads(pickle.dumps(plugins))
    assert again is not plugins
    assert list(again.primitives) == ["First"]
    assert again.primitives.owner("First") == plugins.primitives.owner("First")


def test_a_recipe_names_the_file_or_the_distribution_that_is_missing(write, tmp_path):
    import numpy as np

    from megaasr import Degradation, Recipe, Role, SampleKey, Scenario, UnknownNameError, plan, render, step

    path = write("a", "First", 2.0)
    path.write_text(
        path.read_text().replace("import Primitive, hookimpl", "import *")
        + "@hookimpl\ndef register_degradations(register):\n"
        "    register(Degradation('firstly', Role.MODIFIER, (step('First'),)))\n"
    )
    assert Degradation("firstly", Role.MODIFIER, (step("First"),))
    plugins = load_plugins([str(path)])
    audio = Audio(np.ones(160, np.float32), 16_000, "ones")
    recipe = plan(
        Scenario("s", ("firstly",)), SampleKey(0, "ones"), plugins, num_samples=160, sample_rate=16_000, severity=0.5
    )
    digest = plugin_digest(path)[:8]
    assert recipe.origins == {"First": f"the file plugin.py (digest {digest})"}
    bare = load_plugins()
    expected = (
        rf"primitive 'First' is not installed here; the recipe was made with the file plugin\.py \(digest {digest}\)"
    )
    with pytest.raises(UnknownNameError, match=expected):
        render(audio, recipe, bare)
    installed = recipe.model_copy(update={"origins": {"First": "acme 1.2"}})
    with pytest.raises(UnknownNameError, match=r"the recipe was made with acme 1\.2: install it"):
        render(audio, installed, bare)
    old = Recipe.model_validate(
        {**recipe.model_dump(exclude={"origins"}), "versions": {"megaasr": "0.1", "acme": "1.1"}}
    )
    with pytest.raises(UnknownNameError, match=r"the recipe was made with acme 1\.1: install it"):
        render(audio, old, bare)
    nobody = old.model_copy(update={"versions": {"megaasr": "0.1"}})
    with pytest.raises(UnknownNameError, match="unknown primitive 'First'"):
        render(audio, nobody, bare)
    assert np.array_equal(render(audio, old, plugins).audio.samples, 2.0 * audio.samples)

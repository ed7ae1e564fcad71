"""No data run code: what could run any (imports by name, pickle, shells, eval) is called in known places only."""

import ast
from pathlib import Path

import pytest
import yaml

from tests.command_line import refused

PROJECT = Path(__file__).parents[2]
PARTS = ("megaasr", "megaasr_core", "plugins", "rewards", "routers", "degradations")
IMPORTERS = {
    "megaasr/__init__.py": "names of the public package",
    "megaasr_core/__init__.py": "names of the public package",
    "megaasr_core/discovery/loading.py": "plugins that the call or an installed distribution names",
    "megaasr/reward_functions.py": "unpickling of a function in an own worker",
}
UNPICKLERS = {"plugins/engines/worker.py", "plugins/engines/local.py", "plugins/engines/ray.py"}
STARTS = ("eval", "exec", "compile", "__import__", "os.system", "os.popen", "os.exec", "os.spawn", "os.posix_spawn")


@pytest.fixture(scope="module")
def calls():
    """(file, function as written, call) of every call in the project, without the kit of tests."""
    found = []
    for path in (path for part in PARTS for path in sorted((PROJECT / part).rglob("*.py"))):
        name = path.relative_to(PROJECT).as_posix()
        if not name.startswith("megaasr_core/testing/"):
            tree = ast.parse(path.read_text(encoding="utf-8"))
            found += [(name, ast.unparse(node.func), node) for node in ast.walk(tree) if isinstance(node, ast.Call)]
    assert len({name for name, *_ in found}) > 150
    return found


def test_modules_are_imported_by_known_places_only(calls):
    by_name = {
        name
        for name, function, call in calls
        if function.rpartition(".")[2] == "import_module" and not isinstance(call.args[0], ast.Constant)
    }
    assert by_name <= set(IMPORTERS)
    assert "megaasr_core/discovery/loading.py" in by_name, "the search finds what there is"
    from_files = {name for name, function, _ in calls if function.endswith("spec_from_file_location")}
    assert from_files == {"megaasr_core/discovery/file_plugins.py"}


def test_pickle_is_read_from_own_workers_only(calls):
    assert {name for name, function, _ in calls if function in ("pickle.loads", "pickle.load", "loads")} <= UNPICKLERS
    tensors = [call for _, function, call in calls if function == "torch.load"]
    assert all("weights_only=True" in map(ast.unparse, call.keywords) for call in tensors)
    options = [keyword.arg for *_, call in calls for keyword in call.keywords]
    assert "allow_pickle" not in options


def test_no_program_is_started_and_no_text_evaluated(calls):
    started = [
        (name, function)
        for name, function, _ in calls
        if function in STARTS or function.startswith(("subprocess.", "os.exec", "os.spawn", "pty."))
    ]
    assert started == []
    assert not [keyword.arg for *_, call in calls for keyword in call.keywords if keyword.arg == "shell"]


def test_yaml_is_read_as_plain_data(calls, tmp_path):
    loaders = {function for _, function, _ in calls if function.startswith("yaml.")}
    assert not loaders & {"yaml.load", "yaml.full_load", "yaml.unsafe_load", "yaml.load_all", "yaml.unsafe_load_all"}
    path = tmp_path / "evil.yaml"
    path.write_text(f"weights: !!python/object/apply:os.mkdir [{tmp_path / 'ran'}]\n")
    with pytest.raises(yaml.YAMLError):
        yaml.safe_load(path.read_text())
    words = tmp_path / "words.txt"
    words.write_text("words\n")
    scored = ("reward", "--hyp", words, "--ref", words, "--compose", path)
    for call in (("train", "router", path, "--out", tmp_path / "out"), scored):
        assert "evil.yaml" in refused(*call)
    assert not (tmp_path / "ran").exists()

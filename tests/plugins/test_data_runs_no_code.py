"""Data never names code: nothing that a plan, row, recipe or configuration names is imported or run."""

import ast
import json
import sys
from pathlib import Path

import numpy as np
import pytest

from megaasr import (
    OutputError,
    PluginError,
    RecipeError,
    installed_plugins,
    load_plugins,
    read_reward,
    read_sample,
    write_audio,
)
from megaasr_core.base.audio import Audio
from megaasr_core.contracts.recipe import Recipe
from megaasr_plugins.corpus.planning.plan_corpus import PlanRequest, plan_corpus
from megaasr_plugins.corpus.planning.scenario_lists import open_scenarios
from megaasr_plugins.corpus.rendering.render_corpus import render_corpus
from megaasr_plugins.corpus.statistics.stats import corpus_stats
from megaasr_plugins.evaluation.evaluate import read_items
from megaasr_plugins.interop.recipe_dataset import RecipeDataset
from tests.command_line import megaasr, refused
from tests.plugins.corpus.serial_engine import Serial

ROOT = Path(__file__).parents[2]
EAR = str(ROOT / "tests" / "core" / "ear_plugin.py")
PACKAGES = ("megaasr", "megaasr_core", "plugins", "rewards", "routers", "degradations")
EVIL = "import pathlib\npathlib.Path(__file__).with_name('PWNED').write_text('code ran')\n"


@pytest.fixture
def plan(tmp_path):
    """A plan of one sample that says it was made with evil.py, and with the module `evil` that lies beside it."""
    rng = np.random.default_rng(0)
    write_audio(tmp_path / "a.wav", Audio((0.1 * rng.standard_normal(8_000)).astype(np.float32), 16_000))
    (tmp_path / "m.jsonl").write_text('{"audio": "a.wav", "text": "the cat"}\n')
    plugins = installed_plugins()
    request = PlanRequest(tmp_path / "m.jsonl", open_scenarios("dropout", plugins), count=1)
    plan_corpus(request, tmp_path / "plan", plugins, Serial.create())
    (tmp_path / "plan" / "evil.py").write_text(EVIL)
    return tmp_path / "plan"


def changed(plan, **fields):
    settings = json.loads((plan / "plan.json").read_text())
    (plan / "plan.json").write_text(json.dumps({**settings, **fields}))


def source(target, provides):
    kind = "file" if target.endswith(".py") else "module"
    return {
        "plugin": target,
        "distribution": kind,
        "version": "-",
        "path": target,
        "digest": "00",
        "provides": provides,
    }


USES = {
    "sample": lambda plan: read_sample(plan / "plan.json#0"),
    "render": lambda plan: render_corpus(plan, plan.parent / "out", Serial.create()),
    "dataset": RecipeDataset,
}


@pytest.mark.parametrize("use", USES)
@pytest.mark.parametrize("target", ["evil.py", "ABSOLUTE", "evil", "this"])
@pytest.mark.parametrize("provides", [None, ["primitive:evil"], ["degradation:evil"], ["nothing:evil"]])
def test_a_plan_has_nothing_loaded(plan, monkeypatch, use, target, provides):
    monkeypatch.chdir(plan)
    monkeypatch.syspath_prepend(str(plan))
    target = str(plan / "evil.py") if target == "ABSOLUTE" else target
    before = set(sys.modules)
    changed(plan, plugins=[target], sources=[] if provides is None else [source(target, provides)])
    with pytest.raises(
        PluginError, match=rf"plan\.json: {target}.*, which the plan uses, is not loaded.*--plugin {target}"
    ):
        USES[use](plan)
    assert not (plan / "PWNED").exists()
    assert not {name for name in set(sys.modules) - before if "evil" in name or name == "this"}


def test_a_plugin_that_the_plan_does_not_use_is_not_loaded_either(plan, monkeypatch):
    monkeypatch.chdir(plan)
    changed(plan, plugins=["evil.py"], sources=[source("evil.py", [])])
    assert len(read_sample(Path("plan.json#0")).samples)
    corpus_stats(plan)
    assert len(read_items(plan)) == 1
    assert not (plan / "PWNED").exists()


def test_eval_says_which_plugin_to_name_and_label_too(plan):
    changed(plan, plugins=["evil.py"])
    (plan / "table.json").write_text('{"8000": ["the cat", "the cat"]}')
    (plan / "manifest.jsonl").write_text('{"audio": "plan.json#0", "answer": "the cat"}\n')
    setting = ("--backend", "ear", "--backend-set", "table=table.json", "--plugin", EAR)
    for call in (("eval", "manifest.jsonl", "out.jsonl"), ("corpus", "label", ".", "-o", "out.jsonl")):
        done = megaasr(*call, *setting, cwd=plan)
        assert done.returncode == 1
        assert (
            "plan.json: evil.py, which the plan uses, is not loaded, since a plan runs no code by itself" in done.stderr
        )
        assert not (plan / "PWNED").exists()
    line = refused("corpus", "render", ".", "-o", "out", "--workers", 1, cwd=plan)
    assert line.endswith("pass --plugin evil.py")
    assert not (plan / "PWNED").exists()


def test_the_installed_plugins_of_another_call_are_not_those_of_this_one(plan, tmp_path):
    named = tmp_path / "named.py"
    named.write_text("from megaasr import hookimpl\n\n\n@hookimpl\ndef register_rewards(register):\n    pass\n")
    changed(plan, plugins=[str(named)])
    with_it = load_plugins([str(named)])
    assert len(read_sample(plan / "plan.json#0", plugins=with_it).samples)
    with pytest.raises(PluginError, match="is not loaded"):
        read_sample(plan / "plan.json#0")


def test_a_recipe_and_a_reward_file_name_what_is_registered_alone(plan, tmp_path):
    row = json.loads((plan / "recipes-00000.jsonl").read_text())
    row["recipe"]["origins"] = {"add_echo": str(plan / "evil.py")}
    row["recipe"]["versions"] = {"evil": "1"}
    row["recipe"]["steps"][0]["primitive"] = "evil"
    (plan / "recipes-00000.jsonl").write_text(json.dumps(row) + "\n")
    with pytest.raises((RecipeError, KeyError), match="evil"):
        read_sample(plan / "plan.json#0")
    assert Recipe.model_validate(row["recipe"]).versions == {"evil": "1"}
    (tmp_path / "r.yaml").write_text("terms: [{name: 'evil:function'}]\n")
    with pytest.raises(KeyError, match="unknown reward"):
        read_reward(tmp_path / "r.yaml", installed_plugins().rewards)
    assert not (plan / "PWNED").exists()


def test_a_pickle_in_the_place_of_a_table_is_not_opened(plan):
    class Evil:
        def __reduce__(self):
            return Path.write_text, (plan / "PWNED", "code ran")

    folder = plan.parent / "unfinished"
    folder.mkdir()
    with (folder / ".utterances.npy").open("wb") as file:
        np.save(file, np.array([Evil()], dtype=object), allow_pickle=True)
    plugins = installed_plugins()
    request = PlanRequest(plan.parent / "m.jsonl", open_scenarios("dropout", plugins), count=1)
    with pytest.raises(OutputError, match="is no table"):
        plan_corpus(request, folder, plugins, Serial.create())
    assert not (plan / "PWNED").exists()


DOORS = {
    "eval", "exec", "compile", "__import__", "import_module", "exec_module", "spec_from_file_location", "os.system",
    "os.popen",
    "pickle.loads", "pickle.load", "yaml.load", "yaml.unsafe_load", "yaml.full_load", "torch.load", "numpy.load",
    "np.load", "joblib.load", "marshal.loads", "shelve.open", "run_path", "run_module",
}  # fmt: skip
OPEN = {
    "megaasr/__init__.py": {"import_module"},  # the public names, of a table in the file
    "megaasr_core/__init__.py": {"import_module"},
    "megaasr/lora/patterns.py": {"importlib.import_module"},  # the parser of expressions in Python itself
    "megaasr/reward_functions.py": {"import_module"},  # called by pickle alone, between megaasr's own processes
    "megaasr_core/discovery/loading.py": {"importlib.import_module"},  # what --plugin and MEGAASR_PLUGINS name
    "megaasr_core/discovery/file_plugins.py": {"importlib.util.spec_from_file_location", "spec.loader.exec_module"},
    "megaasr_core/testing/__init__.py": {"import_module"},
    "megaasr_core/testing/kit.py": {"import_module"},
    "megaasr_core/testing/guards.py": {"pickle.loads"},  # of what it has just pickled
    "plugins/engines/local.py": {"pickle.loads"},  # from a pipe of a process that it has started
    "plugins/engines/worker.py": {"pickle.loads"},
    "plugins/engines/ray.py": {"pickle.loads"},
    "plugins/corpus/planning/plan_shard.py": {"np.load"},
    "plugins/training/rl/checkpoints.py": {"torch.load"},
    "routers/audio_quality/training_run.py": {"torch.load"},
}
"""Where code can be named or unpickled; another place is a decision, and belongs in this list."""


def test_every_door_through_which_data_could_become_code_is_known():
    found = {}
    for file in sorted(path for package in PACKAGES for path in (ROOT / package).rglob("*.py")):
        for call in (node for node in ast.walk(ast.parse(file.read_bytes())) if isinstance(node, ast.Call)):
            name, keywords = ast.unparse(call.func), {one.arg: ast.unparse(one.value) for one in call.keywords}
            is_method = isinstance(call.func, ast.Attribute) and name.rpartition(".")[2] in ("eval", "compile")
            if not is_method and (name in DOORS or name.rpartition(".")[2] in DOORS - {"eval", "compile"}):
                found.setdefault(str(file.relative_to(ROOT)), set()).add(name)
            assert "trust_remote_code" not in keywords
            assert "allow_pickle" not in keywords
            assert keywords.get("shell", "False") == "False"
            assert name != "torch.load" or keywords["weights_only"] == "True"
    assert found == OPEN

"""Where the plugins of a plan came from: recorded, loaded again, and refused where they are missing or have changed."""

import json
import shutil
import sys

import pytest

from megaasr import OutputError, PluginError, UnknownNameError, load_plugins, plugin_digest, read_sample
from megaasr_core.discovery import loading as discovery
from megaasr_plugins.corpus.planning.plan_corpus import PlanRequest, plan_corpus
from megaasr_plugins.corpus.planning.plan_folder import PlanFolder
from megaasr_plugins.corpus.planning.scenario_lists import open_scenarios
from megaasr_plugins.corpus.rendering.render_corpus import render_corpus
from megaasr_plugins.engines.local import Local
from tests.command_line import megaasr
from tests.core.conftest import TONES
from tests.plugins.corpus.corpora import contents, rows_of, write_speech
from tests.plugins.corpus.serial_engine import Serial

PLUGIN = '''
"""A primitive and an effect whose factor is in a file beside it."""
from typing import ClassVar
from megaasr import Degradation, Primitive, Role, hookimpl, step
from .helper import FACTOR

class Halve(Primitive):
    """Multiply by the helper's factor."""
    name: ClassVar[str] = "halve"
    changes: ClassVar = frozenset({"level"})

    def apply(self, samples, sample_rate, context):
        return samples * FACTOR

@hookimpl
def register_primitives(register):
    register(Halve)

@hookimpl
def register_degradations(register):
    register(Degradation("halved", Role.MODIFIER, (step("halve"),)))
'''
ACME = """Metadata-Version: 2.1
Name: acme
Version: 1.2
"""


@pytest.fixture
def plugin(tmp_path, monkeypatch):
    """A plugin file with a sibling, and nothing installed."""
    monkeypatch.setattr(discovery, "entry_points", lambda group: [])
    monkeypatch.delenv(discovery.ENVIRONMENT, raising=False)
    folder = tmp_path / "mine"
    folder.mkdir()
    (folder / "helper.py").write_text("import numpy as np\nFACTOR = np.float32(0.5)\n")
    (folder / "halves.py").write_text(PLUGIN)
    return folder / "halves.py"


PLAN_READER = "megaasr_plugins.corpus.rendering.plan_reader"


@pytest.fixture
def plan(plugin, tmp_path):
    """Plan six samples by the effect `halved`."""
    write_speech(tmp_path / "speech")

    def make(targets, name="plan", engine=None):
        plugins = load_plugins(targets)
        request = PlanRequest(
            tmp_path / "speech" / "manifest.jsonl",
            open_scenarios("halved", plugins),
            count=6,
            shard_size=3,
            convert=True,
            plugins=tuple(map(str, targets)),
        )
        plan_corpus(request, tmp_path / name, plugins, engine or Serial.create())
        return tmp_path / name

    return make


def test_a_plan_records_where_each_plugin_came_from(plan, plugin):
    settings = json.loads((plan([str(plugin), TONES]) / "plan.json").read_text())
    assert settings["plugins"] == [str(plugin), TONES]
    recorded = {source["path"]: source for source in settings["sources"]}
    assert recorded[str(plugin)] == {
        "plugin": str(plugin),
        "distribution": "file",
        "version": "-",
        "path": str(plugin),
        "digest": plugin_digest(plugin),
        "provides": ["degradation:halved", "primitive:halve"],
    }
    assert recorded[TONES]["provides"] == [], "was named, and is not used"


def test_a_plugin_of_the_environment_is_recorded_and_taken_from_there_again(plan, plugin, tmp_path, monkeypatch):
    monkeypatch.setenv(discovery.ENVIRONMENT, f"{plugin}:{TONES}")
    folder = plan([])
    settings = PlanFolder.open(folder).settings
    assert settings.plugins == [str(plugin)], "the other one is not used"
    assert [source.digest for source in settings.sources] == [plugin_digest(plugin)]
    report = render_corpus(folder, tmp_path / "out", Serial.create())
    assert (report.clips, report.failed) == (6, 0)


def test_worker_processes_load_the_file_and_its_sibling(plan, plugin, tmp_path):
    engine = Local.create({"workers": 1})
    folder = plan([str(plugin)], "by_workers", engine)
    assert contents(folder) == contents(plan([str(plugin)]))
    assert render_corpus(folder, tmp_path / "out", engine, plugins=[str(plugin)]).clips == 6
    render_corpus(folder, tmp_path / "serial", Serial.create(), plugins=[str(plugin)])
    assert contents(tmp_path / "out") == contents(tmp_path / "serial")


def test_a_file_that_has_moved_is_named_by_an_option(plan, plugin, tmp_path):
    folder = plan([str(plugin)])
    shutil.move(plugin.parent, tmp_path / "moved")
    moved = str(tmp_path / "moved" / "halves.py")
    with pytest.raises(
        PluginError, match=r"halves\.py \(digest [0-9a-f]{8}\), which the plan uses, is gone; .*--plugin FILE"
    ):
        render_corpus(folder, tmp_path / "out", Serial.create())
    assert not (tmp_path / "out").exists()
    assert render_corpus(folder, tmp_path / "out", Serial.create(), plugins=[moved]).clips == 6
    (tmp_path / "moved" / "renamed.py").write_text(PLUGIN)
    other = render_corpus(folder, tmp_path / "b", Serial.create(), plugins=[str(tmp_path / "moved" / "renamed.py")])
    assert other.clips == 6, "the content decides, not the name"
    (tmp_path / "moved" / "helper.py").write_text("FACTOR = 0.25\n")
    with pytest.raises(PluginError, match=r"moved/halves\.py changed since the plan was made"):
        render_corpus(folder, tmp_path / "out", Serial.create(), plugins=[moved])


def test_a_copy_of_the_recorded_file_takes_its_place(plan, plugin, tmp_path):
    folder = plan([str(plugin)])
    shutil.copytree(plugin.parent, tmp_path / "copy")
    report = render_corpus(folder, tmp_path / "out", Serial.create(), plugins=[str(tmp_path / "copy" / "halves.py")])
    assert (report.clips, report.failed) == (6, 0)


@pytest.mark.parametrize("file", ["halves.py", "helper.py"])
def test_a_changed_file_under_the_same_revision_is_refused(plan, plugin, tmp_path, file):
    folder = plan([str(plugin)])
    before = plugin_digest(plugin)
    changed = plugin.with_name(file)
    changed.write_text(changed.read_text() + "\n# another\n")
    now = plugin_digest(plugin)
    expected = (
        rf"plugin {plugin} changed since the plan was made \(digest {before[:8]}, now {now[:8]}\) and provides "
        "degradation halved: restore it, or raise `revision` of the primitives whose output changed and plan anew"
    )
    with pytest.raises(PluginError, match=expected):
        render_corpus(folder, tmp_path / "out", Serial.create(), plugins=[str(plugin)])
    assert not (tmp_path / "out").exists()
    with pytest.raises(PluginError, match="changed since the plan was made"):
        read_sample(folder / "plan.json#0", plugins=load_plugins([str(plugin), PLAN_READER]))
    with pytest.raises(OutputError, match="holds a plan of other settings"):
        plan([str(plugin)])


def test_a_changed_file_that_the_plan_does_not_use_is_taken(plan, plugin, tmp_path):
    unused = tmp_path / "unused.py"
    shutil.copy(TONES, unused)
    folder = plan([str(plugin), str(unused)])
    unused.write_text(unused.read_text() + "\n# another\n")
    assert render_corpus(folder, tmp_path / "out", Serial.create(), plugins=[str(plugin)]).clips == 6
    unused.unlink()
    assert render_corpus(folder, tmp_path / "out", Serial.create(), plugins=[str(plugin)]).clips == 6


def test_a_moved_file_may_be_named_by_the_environment(plan, plugin, tmp_path, monkeypatch):
    folder = plan([str(plugin)])
    shutil.move(plugin.parent, tmp_path / "moved")
    monkeypatch.setenv(discovery.ENVIRONMENT, str(tmp_path / "moved" / "halves.py"))
    assert render_corpus(folder, tmp_path / "out", Serial.create()).clips == 6


def test_a_plan_of_an_older_version_is_rendered(plan, plugin, tmp_path):
    folder = plan([str(plugin)])
    settings = json.loads((folder / "plan.json").read_text())
    del settings["sources"]
    (folder / "plan.json").write_text(json.dumps(settings))
    for shard in folder.glob("recipes-*.jsonl"):
        rows = rows_of(shard)
        for row in rows:
            del row["recipe"]["origins"]
        shard.write_text("".join(json.dumps(row) + "\n" for row in rows))
    with pytest.raises(PluginError, match=r"halves\.py, which the plan uses, is not loaded, .*; pass --plugin "):
        render_corpus(folder, tmp_path / "out", Serial.create())
    assert render_corpus(folder, tmp_path / "out", Serial.create(), plugins=[str(plugin)]).clips == 6
    shutil.move(plugin.parent, tmp_path / "moved")
    with pytest.raises(PluginError, match=r"halves\.py, which the plan uses, is gone"):
        render_corpus(folder, tmp_path / "again", Serial.create())
    moved = [str(tmp_path / "moved" / "halves.py")]
    assert render_corpus(folder, tmp_path / "again", Serial.create(), plugins=moved).clips == 6


def test_without_its_distribution_a_plan_names_it_and_its_version(plan, plugin, tmp_path, monkeypatch):
    from importlib.metadata import entry_points

    site = tmp_path / "site"
    shutil.copytree(plugin.parent, site / "acme")
    (site / "acme" / "halves.py").rename(site / "acme" / "__init__.py")
    (site / "acme-1.2.dist-info").mkdir()
    (site / "acme-1.2.dist-info" / "METADATA").write_text(ACME)
    (site / "acme-1.2.dist-info" / "entry_points.txt").write_text("[megaasr]\nprimitive.halve = acme\n")
    monkeypatch.setattr(
        discovery, "entry_points", lambda group: [one for one in entry_points(group=group) if one.dist.name == "acme"]
    )
    with monkeypatch.context() as installed:
        installed.syspath_prepend(str(site))
        folder = plan([])
        assert render_corpus(folder, tmp_path / "out", Serial.create()).clips == 6
    sys.modules.pop("acme")
    (source,) = PlanFolder.open(folder).settings.sources
    assert (source.plugin, source.distribution, source.version) == ("primitive.halve", "acme", "1.2")
    expected = "primitive 'halve' is not installed here; the plan was made with acme 1.2: install it"
    with pytest.raises(UnknownNameError, match=expected):
        render_corpus(folder, tmp_path / "again", Serial.create())


def test_the_command_takes_plugins_and_refuses_changed_ones(plan, plugin, tmp_path):
    folder = plan([str(plugin)])
    shutil.move(plugin.parent, tmp_path / "moved")
    moved = tmp_path / "moved" / "halves.py"

    def render(*options):
        return megaasr("corpus", "render", folder, "-o", "out", *options, cwd=tmp_path)

    gone = render("--workers", "1")
    assert gone.returncode == 2
    assert "is gone; name its new place with --plugin FILE" in gone.stderr
    found = render("--workers", "1", "--plugin", "moved/halves.py")
    assert (found.returncode, found.stderr) == (0, "")
    moved.write_text(PLUGIN + "# another\n")
    changed = render("--workers", "1", "--plugin", "moved/halves.py")
    assert changed.returncode == 2
    assert "halves.py changed since the plan was made" in changed.stderr

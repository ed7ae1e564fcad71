"""Banks of recorded sounds: declared by primitives, named on the command line, checked against each other."""

import json

import numpy as np
import pytest
import soundfile

from megaasr import load_plugins
from megaasr.testing import cases, failures
from tests.core.test_cli import CLEAN, NOISE, megaasr, refused

BREATHS = '''
from typing import ClassVar
from pydantic import Field
from megaasr import Degradation, Primitive, Role, SoundRef, hookimpl, step

class AddBreath(Primitive):
    """Add a breath at the beginning."""
    name: ClassVar[str] = "add_breath"
    changes: ClassVar = frozenset({"level"})
    banks: ClassVar[tuple[str, ...]] = ("breath",)
    breath: SoundRef = Field(examples=[{"path": "a.wav", "digest": "0" * 16}], description="the breath")

    @classmethod
    def draw(cls, parameters, context):
        return {**parameters, "breath": context.bank("breath").pick(context.rng)}

    def apply(self, samples, sample_rate, context):
        breath = context.load("breath", self.breath, sample_rate)[: len(samples)]
        result = samples.copy()
        result[: len(breath)] += breath
        return result

@hookimpl
def register_primitives(register):
    register(AddBreath)

@hookimpl
def register_degradations(register):
    register(Degradation("breathy", Role.MODIFIER, (step("add_breath"),)))
'''


@pytest.fixture
def breaths(tmp_path):
    """A plugin with a bank of its own, and the bank."""
    (tmp_path / "breaths").mkdir()
    soundfile.write(tmp_path / "breaths" / "b.wav", 0.1 * np.ones(800), 16_000)
    (tmp_path / "breathy.py").write_text(BREATHS)
    return tmp_path / "breathy.py", tmp_path / "breaths"


def test_the_shorthand_is_the_bank(tmp_path):
    outs = [tmp_path / "a.wav", tmp_path / "b.wav"]
    for out, bank in zip(outs, (["--noise", NOISE], ["--bank", f"noise={NOISE}"]), strict=True):
        result = megaasr("degrade", CLEAN, out, "--scenario", "noise", "--seed", 3, *bank)
        assert (result.returncode, result.stderr) == (0, "")
    assert outs[0].read_bytes() == outs[1].read_bytes()


def test_a_plugins_own_bank_is_given_by_name(breaths, tmp_path):
    plugin, bank = breaths
    call = ["degrade", CLEAN, tmp_path / "out.wav", "--scenario", "breathy", "--plugin", plugin]
    expected = "primitive add_breath: needs the bank 'breath' of recorded sounds: give --bank breath=PATH"
    assert expected in refused(*call)
    result = megaasr(*call, "--bank", f"breath={bank}", "--recipe")
    assert (result.returncode, result.stderr) == (0, "")
    (tmp_path / "recipe.json").write_text(result.stdout)
    before, after = (soundfile.read(path)[0] for path in (CLEAN, tmp_path / "out.wav"))
    assert after[:800] - before[:800] == pytest.approx(0.1, abs=1e-4)
    replay = ["degrade", CLEAN, tmp_path / "again.wav", "--from-recipe", tmp_path / "recipe.json"]
    assert expected in refused(*replay, "--plugin", plugin)
    assert megaasr(*replay, "--plugin", plugin, "--bank", f"breath={bank}").returncode == 0
    assert (tmp_path / "again.wav").read_bytes() == (tmp_path / "out.wav").read_bytes()
    missing = refused(*replay)
    assert (
        "primitive 'add_breath' is not installed here; the recipe was made with the file breathy.py (digest" in missing
    )


def test_a_plan_takes_any_declared_bank(breaths, tmp_path):
    plugin, bank = breaths
    (tmp_path / "speech.jsonl").write_text(json.dumps({"audio": CLEAN, "text": "words"}) + "\n")
    call = ["corpus", "plan", "--speech", tmp_path / "speech.jsonl", "--count", 2, "-o", tmp_path / "plan"]
    call += ["--scenarios", "breathy", "--plugin", plugin, "--workers", 1]
    assert "primitive add_breath: needs the bank 'breath'" in refused(*call)
    result = megaasr(*call, "--bank", f"breath={bank}")
    assert (result.returncode, result.stderr) == (0, "")
    assert json.loads((tmp_path / "plan" / "plan.json").read_text())["banks"] == {"breath": str(bank)}


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        (["--bank", f"nose={NOISE}"], "unknown bank 'nose': did you mean 'noise'? (known: noise, rir)"),
        (["--bank", NOISE], "write NAME=PATH"),
        (["--bank", "noise="], "write NAME=PATH"),
        (["--bank", f"noise={NOISE}", "--noise", NOISE], "bank 'noise' is given twice"),
        (["--bank", "noise=nowhere"], "nowhere"),
    ],
)
def test_a_wrong_bank_is_one_line(tmp_path, options, reason):
    assert reason in refused("degrade", CLEAN, tmp_path / "x.wav", "--scenario", "noise", *options)
    assert not (tmp_path / "x.wav").exists()


def test_a_bank_that_nothing_needs_is_noted(tmp_path):
    result = megaasr("degrade", CLEAN, tmp_path / "x.wav", "--scenario", "dropout", "--noise", NOISE)
    assert result.returncode == 0
    assert result.stderr == "megaasr: note: bank 'noise' is not used: none of the primitives in use declares it\n"


def test_in_tree_primitives_declare_what_they_draw_from():
    plugins = load_plugins()
    declared = {name: plugins.primitives[name].banks for name in plugins.primitives if plugins.primitives[name].banks}
    assert declared == {"add_noise": ("noise",), "convolve_rir": ("rir",)}


def test_the_kit_has_a_bank_of_every_name(breaths):
    assert failures(cases("primitive:add_breath", [breaths[0]])) == {}


def test_the_kit_finds_a_bank_that_is_not_declared(breaths):
    breaths[0].write_text(BREATHS.replace('("breath",)', "()"))
    failed = failures(cases("primitive:add_breath", [breaths[0]]))
    assert list(failed) == ["banks_are_declared"]
    assert "asks for the bank breath without declaring it; set banks = ('breath',)" in failed["banks_are_declared"]

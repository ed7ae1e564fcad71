"""`megaasr docs` and `megaasr plugins show`: third-party conditions with pages, pictures and sounds."""

from __future__ import annotations

import json
import re
from pathlib import Path

import numpy as np
import pytest
import typer
from typer.testing import CliRunner

from megaasr import Audio, ParameterError, PluginError, load_plugins, read_audio, write_audio
from megaasr_plugins.authoring.commands.docs import docs
from megaasr_plugins.authoring.commands.show import show
from megaasr_plugins.authoring.description import describe
from megaasr_plugins.authoring.site import parse_banks

PLUGIN = '''
"""A condition that uses a primitive of megaasr beside its own, and one that is too loud for a clip."""

import numpy as np
from pydantic import Field

from megaasr import Degradation, Primitive, Range, Role, Scenario, hookimpl, step


class Boost(Primitive):
    """Make louder."""

    name = "boost"
    gain_db: float = Field(ge=0.0, le=60.0, description="gain in dB")

    def apply(self, samples, sample_rate, context):
        if self.gain_db > 50.0:
            raise RuntimeError("the amplifier burns")
        return samples * np.float32(10.0 ** (self.gain_db / 20.0))


NEAR = Degradation("near", Role.MODIFIER, (step("boost", gain_db=Range(0.0, 2.0)),), "Close to the lips.")
'''


def plugin_text(more: str = "", registered: str = "NEAR") -> str:
    text = PLUGIN.lstrip() + more
    return text + (
        "\n\n@hookimpl\ndef register_primitives(register):\n    register(Boost)\n"
        f"\n\n@hookimpl\ndef register_degradations(register):\n    for one in ({registered},):\n        register(one)\n"
    )


MORE = """
LOUD = Degradation("loud", Role.MODIFIER, (step("boost", gain_db=40.0),))
BURNING = Degradation("burning", Role.MODIFIER, (step("boost", gain_db=55.0),), "It burns.")
DULL = Degradation(
    "dull",
    Role.MODIFIER,
    (step("boost", gain_db=1.0), step("apply_filter", type="lowpass", cutoff_hz=Range(4000.0, 1000.0))),
    "A blanket over the microphone",
)


@hookimpl
def register_scenarios(register):
    register(Scenario("near+dull", ("near", "dull"), "close, under a blanket"))
"""


def call(function, *arguments: str):
    app = typer.Typer()
    app.command()(function)
    return CliRunner().invoke(app, list(arguments))


@pytest.fixture
def plugin(tmp_path) -> Path:
    path = tmp_path / "near.py"
    path.write_text(plugin_text(MORE, "NEAR, LOUD, BURNING, DULL"), encoding="utf-8")
    return path


def test_pages_pictures_and_sounds_of_a_third_party(plugin, tmp_path):
    pytest.importorskip("matplotlib")
    out = tmp_path / "site"
    done = call(docs, "--plugin", str(plugin), "-o", str(out))
    assert done.exit_code == 1, done.output
    failed = done.stderr.splitlines()
    assert len(failed) == 2
    assert re.search(r"failed: burning: .*RuntimeError: the amplifier burns \(near\.py:\d+\)", failed[0])
    assert "failed: loud: loud.mp3: the peak is" in failed[1]
    assert done.stdout == f"{out}: reference.md, conditions/README.md, conditions/index.html\n"
    names = {"near", "dull", "near+dull"}
    written = {path.relative_to(out).as_posix() for path in out.rglob("*") if path.is_file()}
    assert written == {
        "reference.md",
        *(f"conditions/{name}" for name in ("README.md", "index.html", "digests.json", "clips/before.mp3")),
        *(f"conditions/{name}.md" for name in names),
        *(f"conditions/clips/{name}.mp3" for name in names),
        *(f"conditions/spectrograms/{name}.png" for name in names),
    }
    page = (out / "conditions" / "dull.md").read_text(encoding="utf-8")
    assert "Modifier: A blanket over the microphone." in page
    assert "[boost](../reference.md#boost)" in page, "its own primitive is in the reference beside"
    assert "| 2 | apply_filter | dull | `cutoff_hz` | 4000 | 2500 | 1000 |" in page, "megaasr's primitive is not"
    for file in out.rglob("*.md"):
        for link in re.findall(r"\]\(([^)#]+)", file.read_text(encoding="utf-8")):
            assert (file.parent / link).is_file(), f"{file}: {link}"
    before, after = (read_audio(out / "conditions" / "clips" / f"{name}.mp3") for name in ("before", "near"))
    assert after.duration_s == pytest.approx(before.duration_s, abs=0.1)
    assert np.std(after.samples) > 1.05 * np.std(before.samples), "1 dB louder"
    reference = (out / "reference.md").read_text(encoding="utf-8")
    assert "### boost" in reference
    assert "### add_noise" not in reference


def test_a_second_run_takes_its_own_old_pages_away_and_nothing_else(plugin, tmp_path):
    pytest.importorskip("matplotlib")
    out = tmp_path / "site"
    call(docs, "--plugin", str(plugin), "-o", str(out))
    (out / "conditions" / "notes.md").write_text("kept")
    plugin.write_text(plugin_text(), encoding="utf-8")
    speech = tmp_path / "voice.wav"
    write_audio(speech, Audio(0.1 * np.sin(np.arange(32_000, dtype=np.float32)), 16_000))
    done = call(docs, "--plugin", str(plugin), "-o", str(out), "--speech", str(speech))
    assert done.exit_code == 0, done.output
    names = {path.relative_to(out / "conditions").as_posix() for path in (out / "conditions").rglob("*.*")}
    assert names == {
        *("README.md", "index.html", "digests.json", "notes.md", "near.md"),
        *("clips/before.mp3", "clips/near.mp3", "spectrograms/near.png"),
    }
    assert "the beginning of `voice.wav`" in (out / "conditions" / "README.md").read_text(encoding="utf-8")


def test_plugins_without_conditions_have_a_reference_alone(tmp_path):
    from megaasr_plugins.authoring.new_package import new_file

    module = new_file("reward", "shortness", tmp_path, load_plugins()).module
    done = call(docs, "--plugin", str(module), "-o", str(tmp_path / "site"))
    assert done.exit_code == 0, done.output
    assert [path.name for path in (tmp_path / "site").iterdir()] == ["reference.md"]


def test_what_cannot_be_documented_is_refused(tmp_path):
    done = call(docs, "--distribution", "nowhere", "-o", str(tmp_path / "site"))
    assert isinstance(done.exception, ParameterError)
    assert str(done.exception) == "nothing is registered by nowhere"
    assert not (tmp_path / "site").exists()
    with pytest.raises(ParameterError, match="--bank 'noise': NAME=PATH is expected"):
        parse_banks(["noise"])
    assert parse_banks(["noise=a", "rir=b=c"]) == {"noise": Path("a"), "rir": Path("b=c")}


def test_a_degradation_is_shown_with_its_numbers_at_both_ends(plugin):
    done = call(show, "degradation:dull", "--plugin", str(plugin))
    assert done.exit_code == 0, done.output
    lines = [line.split() for line in done.stdout.splitlines()]
    assert ["2", "apply_filter", "apply_filter", "cutoff_hz", "4000", "1000"] in lines
    assert "role: modifier" in done.stdout
    line = plugin.read_text(encoding="utf-8").splitlines().index("DULL = Degradation(") + 1
    assert f"file:   {plugin}:{line}\n" in done.stdout


def test_a_scenario_is_shown_with_its_merged_chain(plugin):
    done = call(show, "scenario:near+dull", "--json", "--plugin", str(plugin))
    details = json.loads(done.stdout)["details"]
    assert details["effects"] == ["near", "dull"]
    rows = [(row["effect"], row["step"], row["parameter"]) for row in details["chain"]]
    assert ("near", "boost", "gain_db") in rows
    assert ("dull", "apply_filter", "cutoff_hz") in rows


def test_what_is_shown_of_fields():
    fields = {field["name"]: field for field in describe("primitive", "add_noise", load_plugins())["fields"]}
    assert fields["snr_db"]["required"]
    assert fields["snr_db"]["bounds"] == "≥ -60, ≤ 100"
    assert fields["source"]["type"] == "bank or white"
    assert fields["source"]["default"] == "bank"


def test_every_plugin_can_be_shown():
    plugins = load_plugins()
    for kind in plugins.kinds:
        for name in plugins.registry(kind.name):
            description = describe(kind.name, name, plugins)
            assert description["summary"], f"{kind.name} {name}"
            assert Path(description["source"]["file"]).is_file(), f"{kind.name} {name}"
            json.dumps(description)


def test_a_spec_of_another_form_is_refused():
    assert isinstance(call(show, "noise").exception, PluginError)

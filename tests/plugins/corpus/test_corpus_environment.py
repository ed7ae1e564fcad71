"""What a plan records of its environment, and what is said and refused where it is rendered in another."""

import json
import os
import re
import shutil

import numpy as np
import pytest
import soundfile

from megaasr import RecipeError, differences, environment, read_sample
from megaasr_plugins.corpus.rendering.render_corpus import render_corpus
from tests.command_line import megaasr, megaasr_process, refused
from tests.plugins.corpus.corpora import contents, write_noise, write_speech
from tests.plugins.corpus.serial_engine import Serial

SCENARIOS = "recording,noise,voip"


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A plan whose first shard has soxr's resampling, noise and a coder."""
    folder = tmp_path_factory.mktemp("made")
    write_speech(folder / "speech", (16_000, 8_000, 40_000))
    write_noise(folder / "noise")
    speech = ["--speech", "speech/manifest.jsonl", "--noise", "noise", "--convert"]
    found = megaasr(
        *("corpus", "plan", *speech, "--scenarios", SCENARIOS, "--count", 9, "--seed", 2, "-o", "plan"), cwd=folder
    )
    assert found.returncode == 0, found.stderr
    return folder


@pytest.fixture
def folder(made, tmp_path):
    """A copy of the plan; its recordings stay where they are."""
    shutil.copytree(made / "plan", tmp_path / "plan")
    return tmp_path


def settings_of(folder):
    return json.loads((folder / "plan" / "plan.json").read_text())


def change(folder, edit):
    settings = settings_of(folder)
    edit(settings)
    (folder / "plan" / "plan.json").write_text(json.dumps(settings))


def render(folder):
    """The note on the environment."""
    report = render_corpus(folder / "plan", folder / "out", Serial.create())
    assert (report.clips, report.failed, report.failed_shards) == (9, 0, ())
    return report.note


def test_a_plan_records_its_environment_and_probes_of_every_primitive(made):
    settings = settings_of(made)
    assert settings["environment"] == json.loads(json.dumps(environment()))
    assert {"numpy", "scipy", "soxr", "numba", "soundfile", "libsndfile", "python"} <= settings["environment"][
        "versions"
    ].keys()
    assert settings["environment"]["cpu_features"]
    rows = [json.loads(line) for line in (made / "plan" / "recipes-00000.jsonl").read_text().splitlines()]
    used = [{step["primitive"] for step in row["recipe"]["steps"]} for row in rows]
    assert set().union(*(used[probe["number"]] for probe in settings["probes"])) == set().union(*used)
    assert all(len(probe["values"]) == 64 and probe["rms"] > 0 for probe in settings["probes"])


def test_in_the_same_environment_nothing_is_said_and_the_corpus_names_it(folder):
    assert render(folder) is None
    recorded = json.loads((folder / "out" / "environments.json").read_text())
    assert recorded == {"environments": [json.loads(json.dumps(environment()))]}


def test_another_environment_that_gives_equal_bits_is_named(folder):
    change(folder, lambda settings: settings["environment"]["versions"].update(numpy="1.0"))
    now = environment()["versions"]["numpy"]
    said = f"planned in another environment (here numpy {now}, not 1.0); the probes have equal bits"
    assert render(folder) == said
    whole = contents(folder / "out")
    again = megaasr("corpus", "render", "plan", "-o", "again", cwd=folder)
    assert again.stderr.strip().splitlines() == [f"megaasr: note: {said}"]
    assert contents(folder / "again") == whole


def shifted(by):
    def edit(settings):
        settings["environment"]["machine"] = "other"
        for probe in settings["probes"]:
            probe["values"] = [value + by for value in probe["values"]]
            probe["digest"] = "0" * 32

    return edit


def test_a_difference_within_the_tolerance_is_named_with_its_size(folder):
    change(folder, shifted(3e-6))
    assert render(folder).endswith("not other); samples differ by up to 3e-06 of full scale")


def test_a_difference_beyond_the_tolerance_is_refused_before_anything_is_rendered(folder):
    change(folder, shifted(2e-5))
    line = refused("corpus", "render", "plan", "-o", "out", "--workers", 1, cwd=folder)
    assert "they differ by 2e-05 of full scale, and 1e-05 is allowed; here machine" in line
    assert not list((folder / "out").glob("shard*"))
    with pytest.raises(RecipeError, match="2e-05 of full scale"):  # eval, label and training read a plan like this
        read_sample(folder / "plan" / "plan.json#0")


def test_recordings_that_have_changed_under_the_plan_are_told(made, folder):
    shutil.copytree(made / "speech", folder / "speech")
    change(folder, lambda settings: settings.update(speech_root=str(folder / "speech")))
    for path in (folder / "speech").glob("*.flac"):
        samples, rate = soundfile.read(path)
        soundfile.write(path, np.roll(samples, 1_000), rate)
    with pytest.raises(RecipeError, match="the environment is the same; restore the versions and recordings"):
        render(folder)


def test_a_plan_of_an_earlier_version_is_rendered_without_a_check(folder):
    change(folder, lambda settings: [settings.pop(name) for name in ("environment", "probes")])
    assert render(folder) is None


def test_a_second_machine_is_added_to_the_corpus(folder):
    assert render(folder) is None
    whole = contents(folder / "out")
    (folder / "out" / "manifest-00000.jsonl").unlink()
    recorded = folder / "out" / "environments.json"
    other = {**environment(), "machine": "other"}
    recorded.write_text(json.dumps({"environments": [other]}))
    assert render(folder) is None
    assert [one["machine"] for one in json.loads(recorded.read_text())["environments"]] == [
        "other",
        environment()["machine"],
    ]
    assert {name: of for name, of in contents(folder / "out").items() if name != recorded.name} == {
        name: of for name, of in whole.items() if name != recorded.name
    }


def test_differences_name_each_version_and_feature():
    now = environment()
    assert differences(now, now) == []
    other = {**now, "cpu_features": [], "versions": {**now["versions"], "av": "0.1"}}
    assert differences(other, now)[0].startswith("cpu_features none, not ")
    assert any(text.startswith("av 0.1, not ") for text in differences(other, now))


@pytest.mark.slow
def test_soxr_without_simd_is_another_environment_within_the_tolerance(folder):
    result = megaasr_process(
        *("corpus", "render", "plan", "-o", "out", "--workers", 1),
        cwd=folder,
        SOXR_USE_SIMD32="0",
        SOXR_USE_SIMD64="0",
    )
    assert result.returncode == 0, result.stderr
    (line,) = result.stderr.strip().splitlines()
    assert "(here SOXR_USE_SIMD32 0, not none; SOXR_USE_SIMD64 0, not none)" in line
    if os.uname().machine == "x86_64":
        assert re.search(r"samples differ by up to \de-0[78] of full scale", line)

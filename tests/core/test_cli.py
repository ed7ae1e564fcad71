"""The command line as its users meet it."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile

from megaasr_core.base.audio_files import read_audio
from tests.command_line import megaasr, refused
from tests.core.conftest import TONES

EXAMPLES = Path(__file__).parents[2] / "examples"
CLEAN = str(EXAMPLES / "clean" / "LJ001-0001.flac")
NOISE = str(EXAMPLES / "noise")


def test_help_names_every_command_and_does_not_load_what_is_slow():
    code = (
        "import sys; sys.argv = ['megaasr', '--help']\n"
        "from megaasr_core.cli.main import main\n"
        "try: main()\n"
        "except SystemExit as done:\n"
        "    print(done.code, sorted({'torch', 'numpy', 'transformers', 'numba'} & set(sys.modules)))"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert result.stdout.strip().endswith("0 []")
    for command in ("transcribe", "degrade", "scenarios", "reward", "eval", "plugins", "new", "doctor"):
        assert f"  {command} " in result.stdout


def test_a_command_that_only_lists_what_is_installed_does_not_load_what_is_slow():
    code = (
        "import sys; from megaasr import load_plugins; plugins = load_plugins()\n"
        "assert not plugins.failures and plugins.trainers and plugins.backends\n"
        "print(sorted({'torch', 'transformers', 'peft', 'numba', 'scipy', 'onnxruntime', 'ray'} & set(sys.modules)))"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert result.stdout == "[]\n"


@pytest.mark.parametrize(
    "command", ["transcribe", "degrade", "scenarios", "reward", "eval", "plugins", "new", "doctor"]
)
def test_every_command_explains_itself_with_an_example(command):
    result = megaasr(command, "--help")
    assert result.returncode == 0
    assert f"Example: megaasr {command}" in result.stdout


def test_no_arguments_is_a_call_for_help():
    result = megaasr()
    assert result.returncode == 0
    assert "Commands:" in result.stdout


def test_a_wrong_command_or_option_is_one_line():
    assert "Did you mean 'degrade'?" in refused("degrad")
    assert "No such option" in refused("scenarios", "--colour")


@pytest.fixture
def recipe(tmp_path):
    """A degraded clip and its recipe, both made by the command."""
    out = tmp_path / "out.wav"
    options = ["--scenario", "far_field+noise+dropout", "--severity", 0.7, "--seed", 1, "--noise", NOISE]
    result = megaasr("degrade", CLEAN, out, *options, "--recipe")
    assert result.returncode == 0, result.stderr
    (tmp_path / "recipe.json").write_text(result.stdout)
    return out, tmp_path / "recipe.json"


def test_a_recipe_replays_bit_for_bit(recipe, tmp_path):
    out, path = recipe
    assert json.loads(path.read_text())["severity"] == 0.7
    again = tmp_path / "again.wav"
    result = megaasr("degrade", CLEAN, again, "--from-recipe", path, "--noise", NOISE)
    assert result.returncode == 0, result.stderr
    assert again.read_bytes() == out.read_bytes()
    assert not np.array_equal(read_audio(out).samples, read_audio(CLEAN).samples)


def test_a_recipe_for_another_recording_or_without_its_noise_is_refused(recipe, tmp_path):
    _, path = recipe
    other = EXAMPLES / "vitw" / "mixed.flac"
    assert "but the recipe was planned for" in refused("degrade", other, tmp_path / "x.wav", "--from-recipe", path)
    assert "primitive add_noise: needs the bank 'noise' of recorded sounds: give --bank noise=PATH" in refused(
        "degrade", CLEAN, tmp_path / "x.wav", "--from-recipe", path
    )
    assert not (tmp_path / "x.wav").exists()


def test_seed_and_severity_decide_and_a_drawn_severity_is_told(tmp_path):
    def severity(*options):
        call = ["degrade", CLEAN, tmp_path / "x.wav", "--scenario", "dropout", "--recipe"]
        return json.loads(megaasr(*call, *options).stdout)["severity"]

    assert severity("--seed", 1) == severity("--seed", 1) != severity("--seed", 2)


def test_a_peak_beyond_full_scale_is_noted_and_kept(tmp_path):
    loud = tmp_path / "loud.yaml"
    loud.write_text(
        "name: loud\neffects: [obstructed]\noverrides: {obstructed: {change_volume: {target_lufs: [-1.0, -1.0]}}}\n"
    )
    result = megaasr("degrade", CLEAN, tmp_path / "x.wav", "--scenario", loud, "--severity", 0.0)
    assert "over_full_scale" in result.stderr
    assert np.max(np.abs(read_audio(tmp_path / "x.wav").samples)) > 1.0
    assert "would cut it" in refused("degrade", CLEAN, tmp_path / "x.flac", "--scenario", loud, "--severity", 0.0)


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        (["--scenario", "far_fild"], "did you mean 'far_field'"),
        (["--scenario", "far_field+nois"], "did you mean 'noise'"),
        (["--scenario", "far_field+obstructed"], "anchors"),
        (["--scenario", "nowhere.yaml"], "nowhere.yaml"),
        (["--scenario", "noise"], "give --bank noise=PATH"),
        (["--scenario", "noise", "--noise", "nowhere"], "nowhere"),
        (["--scenario", "dropout", "--severity", "1.5"], "severity 1.5 is outside 0..1"),
        (["--scenario", "dropout", "--curve", "cubic"], "unknown severity curve 'cubic'"),
        (["--scenario", "dropout", "--plugin", "nowhere.py"], "nowhere.py"),
        (["--from-recipe", "nowhere.json"], "nowhere.json"),
        (["--from-recipe", "r.json", "--seed", "1"], "a recipe fixes severity, seed and utterance"),
        (["--scenario", ""], "unknown scenario ''"),
        (["--scenario", "dropout", "--severity", "0.5", "--curve", "linear"], "leave out --severity or --curve"),
        ([], "either --scenario NAME or --from-recipe"),
    ],
)
def test_what_cannot_be_degraded_is_one_line_and_nothing_is_written(tmp_path, options, reason):
    assert reason in refused("degrade", CLEAN, "out.wav", *options, cwd=tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_the_input_is_not_written_over(tmp_path):
    path = write(tmp_path / "x.wav", TONE)
    before = path.read_bytes()
    assert "it is the input" in refused("degrade", path, path, "--scenario", "dropout")
    assert "it is the input" in refused("transcribe", path, "-o", path)
    (tmp_path / "m.jsonl").write_text('{"audio": "x.wav", "text": "x"}')
    assert "it is the input" in refused("eval", tmp_path / "m.jsonl", tmp_path / "m.jsonl")
    assert path.read_bytes() == before


def test_a_place_that_cannot_be_written_is_one_line(tmp_path):
    assert "does not exist" in refused("degrade", CLEAN, tmp_path / "no" / "x.wav", "--scenario", "dropout")
    # /proc refuses new files to everybody, also to a superuser, whom permissions do not bind.
    if Path("/proc/self").is_dir():
        assert "cannot write in /proc" in refused("degrade", CLEAN, "/proc/x.wav", "--scenario", "dropout")


def write(path, samples, rate=16_000):
    soundfile.write(path, samples, rate, subtype="FLOAT")
    return path


TONE = (0.1 * np.sin(np.arange(16_000) * 0.2)).astype(np.float32)


@pytest.mark.parametrize("command", ["degrade", "transcribe"])
def test_each_bad_recording_is_one_line(command, tmp_path):
    nan = TONE.copy()
    nan[5] = np.nan
    bad = {
        tmp_path / "missing.wav": "no such file",
        write(tmp_path / "nan.wav", nan): "sample 5 is nan",
        write(tmp_path / "low.wav", TONE, 4_000): "4000 Hz",
        write(tmp_path / "high.wav", TONE, 384_000): "384000 Hz",
        write(tmp_path / "two.wav", TONE[:2]): "2 samples",
    }
    for path, reason in bad.items():
        out = (
            [tmp_path / "out.wav", "--scenario", "dropout"] if command == "degrade" else ["-o", tmp_path / "out.jsonl"]
        )
        line = refused(command, path, *out)
        assert reason in line
        assert path.name in line
    assert not [path for path in tmp_path.iterdir() if path.name.startswith("out")]


def test_convert_takes_what_is_refused_otherwise(tmp_path):
    path = write(tmp_path / "x.wav", np.tile(TONE[:, None], (1, 8)), 96_000)
    result = megaasr("degrade", path, tmp_path / "y.wav", "--scenario", "obstructed", "--convert")
    assert result.returncode == 0, result.stderr
    assert read_audio(tmp_path / "y.wav").sample_rate == 16_000


@pytest.mark.slow
def test_transcribe_reports_the_bad_row_does_the_rest_and_says_so_in_its_exit_code(tmp_path):
    good = EXAMPLES / "vitw" / "mixed.flac"
    result = megaasr("transcribe", good, tmp_path / "missing.wav", good, "-o", tmp_path / "out.jsonl")
    assert result.returncode == 1
    assert "failed" in result.stderr
    assert "1 of 3 recordings failed" in result.stderr
    rows = [json.loads(line) for line in (tmp_path / "out.jsonl").read_text().splitlines()]
    assert "dinner" in rows[0]["text"]
    assert rows[0]["text"] == rows[2]["text"]
    assert rows[0]["route"].startswith(("clean: p(degraded)", "degraded: p(degraded)"))  # what ships is used
    assert set(rows[1]) == {"audio", "error"}


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        (["--router", "confidense", "--adapter", "x"], "did you mean 'confidence'"),
        (["--router", "always_robust", "--backend-set", "model=no/where"], "give --adapter FOLDER"),
        (["--backend", "wisper"], "did you mean 'whisper'"),
        (["--backend-set", "modle=x"], "did you mean 'model'"),
        (["--backend-set", "model"], "write NAME=VALUE"),
        (["--router-set", "min_mean_logprob=2", "--router", "confidence", "--adapter", "x"], "min_mean_logprob = 2"),
        (["--adapter", "nowhere"], "nowhere: no such adapter folder"),
        (["--batch-size", "0"], "--batch-size"),
    ],
)
def test_what_cannot_be_transcribed_with_is_one_line(options, reason):
    assert reason in refused("transcribe", EXAMPLES / "vitw" / "mixed.flac", *options)


def test_scenarios_are_54_and_a_file_of_ones_own_is_checked(tmp_path):
    listed = json.loads(megaasr("scenarios", "--json").stdout)
    assert len(listed) == 54
    assert {row["name"]: row["chain"] for row in listed}["far_field+noise"] == [
        "add_reverb",
        "apply_filter",
        "change_volume",
        "add_noise",
    ]
    own = tmp_path / "own.yaml"
    own.write_text("name: own\neffects: [dropout, noise]\n")
    assert "own " in megaasr("scenarios", "--file", own).stdout
    own.write_text("name: own\neffects: [dropout, nois]\n")
    assert "did you mean 'noise'" in refused("scenarios", "--file", own)


def test_plugins_lists_every_kind_and_a_broken_one_as_a_row(tmp_path):
    (tmp_path / "broken.py").write_text("raise RuntimeError('boom')\n")
    result = megaasr("plugins", "--json", MEGAASR_PLUGINS=str(tmp_path / "broken.py"))
    assert result.returncode == 0, result.stderr
    rows = json.loads(result.stdout)
    count = {kind: sum(row["kind"] == kind for row in rows) for kind in {row["kind"] for row in rows}}
    assert count["primitive"] >= 8
    assert count["degradation"] >= 7
    assert (count["reward"], count["router"], count["backend"]) >= (6, 4, 1)
    assert [row["error"] for row in rows if row["error"]] == ["RuntimeError: boom (broken.py:1)"]
    warned = megaasr("scenarios", "--json", MEGAASR_PLUGINS=str(tmp_path / "broken.py"))
    assert "warning: plugin" in warned.stderr
    assert len(json.loads(warned.stdout)) == 54
    assert "boom" in refused("scenarios", "--strict-plugins", MEGAASR_PLUGINS=str(tmp_path / "broken.py"))
    assert "did you mean 'reward'" in refused("plugins", "--kind", "rewrd")


def test_a_plugin_file_is_used_at_once(tmp_path):
    (tmp_path / "own.yaml").write_text("name: own\neffects: [room, loud]\n")
    result = megaasr("scenarios", "--plugin", TONES, "--file", tmp_path / "own.yaml", "--json")
    chain = ["gain", "hiss", "loudness"]
    assert {"name": "own", "effects": ["room", "loud"], "chain": chain, "dropped": [], "description": ""} in (
        json.loads(result.stdout)
    )


def test_a_dropped_step_is_printed_listed_and_stored(recipe, tmp_path):
    lost = {
        "far_field+noise": [("noise", "change_volume")],
        "far_field+noise+dropout": [("noise", "change_volume"), ("dropout", "change_volume")],
    }
    listed = {row["name"]: row for row in json.loads(megaasr("scenarios", "--json").stdout)}
    for name, steps in lost.items():
        assert listed[name]["dropped"] == [
            {"effect": effect, "step": step, "merge_name": "change_volume", "behind": "far_field"}
            for effect, step in steps
        ]
    assert listed["far_field"]["dropped"] == []
    text = {line.split()[0]: line for line in megaasr("scenarios").stdout.splitlines()}
    assert text["far_field+noise"].endswith(" -> add_noise  (dropped: change_volume of noise)")
    assert "dropped" not in text["far_field"]

    assert json.loads(recipe[1].read_text())["dropped"] == listed["far_field+noise+dropout"]["dropped"]
    again = megaasr("degrade", CLEAN, tmp_path / "x.wav", "--from-recipe", recipe[1], "--noise", NOISE)
    options = ["--scenario", "far_field+noise+dropout", "--seed", 1, "--noise", NOISE]
    for result in (again, megaasr("degrade", CLEAN, tmp_path / "y.wav", *options)):
        notes = [line for line in result.stderr.splitlines() if "dropped" in line]
        assert notes == [
            f"megaasr: note: step change_volume of {effect} is dropped: merges with change_volume of far_field"
            for effect in ("noise", "dropout")
        ]


@pytest.mark.slow
def test_the_doctor_finds_all_well_and_says_what_is_not(tmp_path):
    result = megaasr("doctor", "--json")
    findings = json.loads(result.stdout)
    assert result.returncode == 0, result.stdout
    assert all(finding["ok"] for finding in findings)
    assert sum(finding["what"].startswith("degradation ") for finding in findings) == 10
    (tmp_path / "broken.py").write_text("raise RuntimeError('boom')\n")
    ill = megaasr("doctor", MEGAASR_PLUGINS=str(tmp_path / "broken.py"))
    assert ill.returncode == 1
    assert "FAIL plugins" in ill.stdout

import json
from pathlib import Path

import numpy as np
import pytest
import soundfile

from megaasr_core.base.errors import ManifestError
from megaasr_plugins.evaluation.evaluate import read_items, subset_parts
from tests.command_line import megaasr, megaasr_process

EAR = str(Path(__file__).parents[2] / "core" / "ear_plugin.py")

# reference, what the base hears, what the adapter hears, subset
CASES = [
    ("the cat sat down", "the cat sat down", "the cat sat", "sim-en-noise"),
    ("the cat sat down", "a cat sat down there", "the cat sat down", "sim-en-noise"),
    ("hello world", "", "hello word", "real-en-far_field"),
    ("", "words words", "", "real-en-noise"),
    ("你好世界", "你好", "你好世界", "sim-zh-noise"),
    ("big dogs", "la la la la la la la la", "big dogs", "sim-en-mixed"),
]


@pytest.fixture
def data(tmp_path):
    rows, table = [], {}
    for index, (reference, base, robust, subset) in enumerate(CASES):
        num_samples = 3_200 + index
        sound = (0.1 * np.random.default_rng(index).standard_normal(num_samples)).astype(np.float32)
        soundfile.write(tmp_path / f"{index}.wav", sound, 16_000, subtype="FLOAT")
        table[str(num_samples)] = (base, robust)
        rows.append({"audio": f"{index}.wav", "answer": reference, "subset": subset, "kept": {"as": ["it", index]}})
    (tmp_path / "table.json").write_text(json.dumps(table))
    write_manifest(tmp_path, rows)
    return tmp_path


def write_manifest(folder, rows):
    (folder / "in.jsonl").write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows))


def rows_of(path):
    return [json.loads(line) for line in path.read_text().splitlines()]


def run(folder, *options, out="out.jsonl", table="table.json", command=megaasr):
    call = ["eval", "in.jsonl", out, "--plugin", EAR, "--backend", "ear", "--backend-set", f"table={table}", *options]
    return command(*call, cwd=folder)


def test_rows_keep_their_fields_and_gain_those_of_the_benchmark(data):
    result = run(data, "--batch-size", 4)
    assert result.returncode == 0, result.stderr
    rows = rows_of(data / "out.jsonl")
    assert [row["kept"] for row in rows] == [{"as": ["it", index]} for index in range(6)]
    assert [row["prediction"] for row in rows] == [base for _, base, _, _ in CASES]
    assert [row["num_edits"] for row in rows] == [0, 2, 2, 2, 2, 8]
    assert [row["ref_len"] for row in rows] == [4, 4, 2, 0, 4, 2]
    assert [row["wer"] for row in rows] == [0.0, 0.5, 1.0, 2.0, 0.5, 4.0]
    assert [row["metric"] for row in rows] == ["wer"] * 4 + ["cer", "wer"]
    assert [(row["substitutions"], row["insertions"], row["deletions"]) for row in rows] == [
        (0, 0, 0),
        (1, 1, 0),
        (0, 0, 2),
        (0, 2, 0),
        (0, 0, 2),
        (2, 6, 0),
    ]
    assert [row["flags"] for row in rows] == [[], [], ["empty"], ["invented"], [], ["repetitive"]]
    assert not list(data.glob("*.partial"))


def test_the_summary_is_micro_averaged_and_wer_and_cer_stay_apart(data):
    summary = json.loads(run(data, "--json").stdout)["summary"]
    words = summary["slices"]["all (wer)"]
    assert words["error_rate"]["value"] == pytest.approx((0 + 2 + 2 + 2 + 8) / (4 + 4 + 2 + 0 + 2))
    assert words["error_rate"]["low"] <= words["error_rate"]["value"] <= words["error_rate"]["high"]
    assert words["capped_error_rate"]["value"] == pytest.approx((0 + 2 + 2 + 1 + 2) / 12)
    assert (words["deleted"], words["runaways"], words["invented"]) == (1, 2, 1)
    assert (words["utterances"], words["tokens"]) == (5, 12)
    assert (words["substitutions"], words["insertions"], words["deletions"]) == (3, 9, 2)
    assert [words[f"{flag}_rate"] for flag in ("empty", "repetitive", "invented")] == [0.2, 0.2, 0.2]
    assert summary["slices"]["all (cer)"]["error_rate"] == {"value": 0.5, "low": None, "high": None}
    assert "sim / noise / zh" in summary["slices"]
    assert summary["slices"]["sim / noise / en"]["utterances"] == 2
    assert summary["rtfx"] == pytest.approx(sum(3_200 + i for i in range(6)) / 16_000 / (6 * 0.25))
    assert set(summary["normalisers"]) == {"en", "zh"}


def test_routers_choose_and_the_oracle_gets_its_references(data):
    assert run(data, "--adapter", "x", "--router", "oracle").returncode == 0
    assert [row["adapter"] for row in rows_of(data / "out.jsonl")] == [
        None,
        "robust",
        "robust",
        "robust",
        "robust",
        "robust",
    ]
    assert run(data, "--adapter", "x", "--router", "always_robust", out="all.jsonl").returncode == 0
    assert {row["adapter"] for row in rows_of(data / "all.jsonl")} == {"robust"}
    assert run(data, "--adapter", "x", "--router", "confidence", out="sure.jsonl").returncode == 0
    assert [row["adapter"] for row in rows_of(data / "sure.jsonl")] == [None, None, "robust", None, None, "robust"]


def test_two_results_are_compared_in_pairs(data):
    run(data, out="base.jsonl")
    result = run(data, "--adapter", "x", "--router", "oracle", "--compare", "base.jsonl", "--json")
    words = json.loads(result.stdout)["comparison"]["slices"]["all (wer)"]
    base, this = words["systems"]["base"], words["systems"]["this"]
    assert base["error_rate"]["value"] == pytest.approx(14 / 12)
    assert this["error_rate"]["value"] == pytest.approx(1 / 12)
    assert this["difference"]["value"] == pytest.approx(-13 / 12)
    assert this["difference"]["low"] <= this["difference"]["value"] <= this["difference"]["high"] <= 0.0
    assert this["relative_difference"]["value"] == pytest.approx(1 / 14 - 1)


def test_a_fresh_run_is_guarded_and_sliced_too(data):
    rows = [{**row, "room": "hall" if index % 2 else "car"} for index, row in enumerate(rows_of(data / "in.jsonl"))]
    write_manifest(data, rows)
    assert run(data, "--adapter", "x", "--router", "always_robust", out="good.jsonl").returncode == 0
    any_size = ("--min-clusters", "2", "--min-words", "1")
    worse = run(data, "--never-worse", "good.jsonl", "--by", "room", *any_size, out="base.jsonl")
    assert worse.returncode == 3
    assert "worse than good.jsonl: room: hall (wer)" in worse.stderr
    assert len(rows_of(data / "base.jsonl")) == 6  # the work is kept
    fine = run(data, "--adapter", "x", "--router", "oracle", "--never-worse", "base.jsonl", "--by", "room", *any_size)
    assert fine.returncode == 4, fine.stderr  # some slices have one row
    assert "not worse than base.jsonl: 3 of 10 slices" in fine.stderr


def test_the_reports_are_written_and_can_be_made_again_without_decoding(data):
    first = run(data, "--report", "r.md", "--summary", "r.json")
    text = (data / "r.md").read_text()
    assert first.stdout == text
    assert "| sim / noise / en " in text
    assert "english-2 (whisper-normalizer" in text
    assert "processor" in text
    calls = (data / "table.json.calls").read_text()
    again = run(data, "--reuse", "--json")
    assert again.returncode == 0, again.stderr
    assert json.loads(again.stdout)["summary"] == json.loads((data / "r.json").read_text())["summary"]
    assert (data / "table.json.calls").read_text() == calls


def test_a_killed_run_goes_on_where_it_stopped(data):
    whole = run(data, "--batch-size", 2, out="whole.jsonl")
    assert whole.returncode == 0
    (data / "table.json.calls").unlink()
    killed = run(data, "--batch-size", 2, "--backend-set", "fail_after=4", command=megaasr_process)
    assert killed.returncode == 1
    assert "killed" in killed.stderr
    assert not (data / "out.jsonl").exists()
    assert len((data / "out.jsonl.partial").read_text().splitlines()) == 1 + 4
    with (data / "out.jsonl.partial").open("a") as partial:
        partial.write('{"half": ')  # what a kill in the middle of a write leaves
    (data / "table.json.calls").unlink()
    resumed = run(data, "--batch-size", 2, "--backend-set", "fail_after=4")
    assert resumed.returncode == 0, resumed.stderr
    assert "4 of 6 rows are done already" in resumed.stderr
    assert (data / "table.json.calls").read_text() == "2"
    assert (data / "out.jsonl").read_text() == (data / "whole.jsonl").read_text()
    assert not (data / "out.jsonl.partial").exists()


def test_the_partial_file_of_another_run_is_not_taken_over(data):
    run(data, "--batch-size", 2, "--backend-set", "fail_after=4", command=megaasr_process)
    (data / "table.json.calls").unlink()
    other = run(data, "--batch-size", 3)
    assert "is of another run and is begun anew" in other.stderr
    assert (data / "table.json.calls").read_text() == "6"


def test_a_recording_that_cannot_be_read_is_a_failed_row(data):
    rows = rows_of(data / "in.jsonl")
    rows[2]["audio"] = "missing.wav"
    write_manifest(data, rows)
    result = run(data, "--json")
    assert result.returncode == 1
    assert "missing.wav: no such file" in result.stderr
    assert "1 of 6 rows failed" in result.stderr
    written = rows_of(data / "out.jsonl")
    assert "no such file" in written[2]["error"]
    assert "prediction" not in written[2]
    assert written[3]["num_edits"] == 2
    assert json.loads(result.stdout)["summary"]["failed"] == 1


def test_a_language_that_only_the_caller_gives_is_kept(data):
    write_manifest(data, [{"audio": "4.wav", "answer": "你好世界"}])
    summary = json.loads(run(data, "--language", "zh", "--json").stdout)["summary"]
    assert list(summary["normalisers"]) == ["zh"]
    assert "unknown / unknown / zh" in summary["slices"]


def test_the_outputs_are_different_files(data):
    result = run(data, "--report", "out.jsonl")
    assert result.returncode == 2
    assert "two outputs are one file" in result.stderr
    assert not list(data.glob("out*"))


def test_a_name_that_the_system_refuses_is_a_failed_row(data):
    write_manifest(data, [{"audio": "x" * 300 + ".wav", "answer": "a"}, rows_of(data / "in.jsonl")[0]])
    result = run(data)
    assert result.returncode == 1
    assert "cannot be read" in rows_of(data / "out.jsonl")[0]["error"]
    assert rows_of(data / "out.jsonl")[1]["num_edits"] == 0


def test_results_can_be_evaluated_again(data):
    rows = rows_of(data / "in.jsonl")
    write_manifest(data, [{**row, "error": "of an earlier run"} for row in rows])
    assert run(data).returncode == 0
    assert all("error" not in row for row in rows_of(data / "out.jsonl"))


def test_a_long_recording_is_cut(data):
    soundfile.write(data / "0.wav", np.resize(np.float32([0.1, -0.1]), 16_000 * 3), 16_000)
    table = json.loads((data / "table.json").read_text())
    (data / "table.json").write_text(json.dumps({**table, "31200": ("the cat", "x"), "16800": ("sat down", "x")}))
    result = run(data)
    assert result.returncode == 0, result.stderr
    assert rows_of(data / "out.jsonl")[0]["prediction"] == "the cat sat down"


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ('{"audio": "0.wav"', "line 7: not JSON"),
        ('{"audio": "0.wav"}', "line 7: needs 'answer' or 'text'"),
        ('{"audio": "0.wav", "answer": "a", "snr": NaN}', "line 7: NaN is no JSON number"),
        ('{"audio": "0.wav", "answer": "\\ud800"}', "line 7: 'utf-8' codec can't encode"),
        ('{"audio": "0.wav", "answer": "a", "language": 5}', "line 7: language '5'"),
        ('{"answer": "x"}', "line 7: needs 'audio' or 'audio_path'"),
    ],
)
def test_a_broken_line_is_a_failed_row_and_the_others_are_done(data, line, reason):
    with (data / "in.jsonl").open("a") as manifest:
        manifest.write(line + "\n")
    result = run(data)
    assert result.returncode == 1
    failed, summary = result.stderr.splitlines()
    assert failed.startswith("megaasr: failed: in.jsonl, line 7: ")
    assert reason in failed
    assert summary == "megaasr: 1 of 7 rows failed"
    rows = rows_of(data / "out.jsonl")
    assert ["error" in row for row in rows] == [False] * 6 + [True]


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        (["--router", "always_robast"], "did you mean 'always_robust'"),
        (["--compare", "nowhere.jsonl"], "nowhere.jsonl"),
        (["--compare", "in.jsonl"], "results of `megaasr eval` are expected"),
        (["--report", "no/r.md"], "does not exist"),
        (["--reuse"], "out.jsonl"),
        (["--cluster", "room"], "unknown field 'room'"),
    ],
)
def test_what_cannot_be_evaluated_is_one_line(data, options, reason):
    result = run(data, *options)
    assert result.returncode == 2
    assert reason in result.stderr
    assert result.stderr.count("\n") == 1
    assert not list(data.glob("out*"))


def test_an_output_in_a_place_that_cannot_be_written_is_one_line(data):
    result = run(data, out="/proc/out.jsonl")
    assert result.returncode == 2
    assert result.stderr.startswith("megaasr: error: cannot write in /proc")


def test_an_empty_manifest_is_refused(data):
    (data / "in.jsonl").write_text("\n")
    assert "holds no rows" in run(data).stderr


@pytest.mark.parametrize(
    ("row", "parts"),
    [
        ({"subset": "sim-zh-noise"}, ("sim", "noise", "zh")),
        ({"subset": "real-en-far_field"}, ("real", "far_field", "en")),
        ({"subset": "real-en-far-field"}, ("real", "far-field", "en")),
        ({"subset": "odd"}, ("unknown", "unknown", None)),
        ({"subset": "train-clean-100"}, ("unknown", "unknown", None)),
        ({}, ("unknown", "unknown", None)),
        ({"source": "real", "category": "echo", "language": "zh"}, ("real", "echo", "zh")),
        ({"source": "LibriSpeech", "subset": "sim-en-echo"}, ("sim", "echo", "en")),
    ],
)
def test_slices_come_from_the_subset_or_the_fields(row, parts):
    assert subset_parts(row) == parts


def test_the_language_of_a_row_is_its_own_then_the_subsets_then_the_callers(tmp_path):
    rows = [{"language": "zh"}, {"subset": "sim-zh-noise"}, {}, {"language": "English"}]
    write_manifest(tmp_path, [{"audio_path": "a.wav", "text": "x", **row} for row in rows])
    assert [item.language for item in read_items(tmp_path / "in.jsonl", "fr")] == ["zh", "zh", "fr", "en"]
    (tmp_path / "in.jsonl").write_text('{"audio": 3, "text": "x"}\n')
    with pytest.raises(ManifestError, match=r"in\.jsonl, line 1: 'audio' is 3; a text is expected"):
        read_items(tmp_path / "in.jsonl")


def test_a_backend_that_raises_fails_its_row_alone(data):
    table = json.loads((data / "table.json").read_text())
    del table["3202"]  # which makes a KeyError of the third row
    (data / "table.json").write_text(json.dumps(table))
    result = run(data, "--batch-size", 4)
    assert result.returncode == 1
    rows = rows_of(data / "out.jsonl")
    assert ["error" in row for row in rows] == [False, False, True, False, False, False]
    assert "2.wav: KeyError: '3202' (ear_plugin.py:" in rows[2]["error"]
    assert rows[2]["error"].startswith("backend ear: ")
    assert "megaasr: failed: backend ear: " in result.stderr
    assert "Traceback" not in result.stderr


def test_decoding_options_are_the_backends(data):
    result = run(data, "--decode", "num_beam=2")
    assert result.returncode == 2
    assert "unknown decoding option of backend ear: 'num_beam': did you mean 'num_beams'?" in result.stderr
    result = run(data, "--decode", "num_beams=0")
    assert result.returncode == 2
    assert "backend ear: num_beams = 0: Input should be greater than or equal to 1" in result.stderr
    assert run(data, "--decode", "num_beams=2", "--decode", "min_tokens=500").returncode == 0

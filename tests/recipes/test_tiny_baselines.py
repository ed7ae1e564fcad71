"""Tests of the recipe's baselines: collapsed loops, and another decoder on the rows of a manifest."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from megaasr import read_jsonl
from megaasr_core.base.errors import ManifestError, ParameterError
from megaasr_core.base.speech_checks import is_repetitive, loop_tokens
from megaasr_plugins.evaluation.evaluate import read_items
from recipes.tiny import baselines
from recipes.tiny.baselines import Heard, collapsed_rows, decoded_rows
from recipes.tiny.dataset_files import MANIFEST
from recipes.tiny.loops import LOOPS, collapse_loops
from tests.command_line import megaasr
from tests.recipes.made import speech

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize(
    ("text", "collapsed"),
    [
        ("no no no", "no"),
        ("no no", "no no"),
        ("Go on, go on. GO ON! and stop", "Go on, and stop"),
        ("so a b c d e f g h a b c d e f g h a b c d e f g h end", "so a b c d e f g h end"),
        ("a b c d e f g h i " * 3, "a b c d e f g h i " * 3),  # nine words are too long a unit
        ("thank you thank you thank you thank", "thank you thank"),
        ("a a a b a a a b a a a b", "a b"),
        ("x -- -- -- y", "x -- y"),
        ("two  spaces stay", "two  spaces stay"),
        ("", ""),
    ],
)
def test_what_is_said_more_than_twice_in_a_row_is_kept_once(text: str, collapsed: str) -> None:
    assert collapse_loops(text) == collapsed


@given(st.lists(st.sampled_from("abc"), max_size=60).map(" ".join))
def test_no_loop_is_left_and_no_word_is_made(text: str) -> None:
    collapsed = collapse_loops(text)
    assert not is_repetitive(loop_tokens(collapsed), LOOPS)
    assert collapse_loops(collapsed) == collapsed
    if not is_repetitive(loop_tokens(text), LOOPS):
        assert collapsed == text
    words = iter(text.split())
    assert all(word in words for word in collapsed.split())  # a subsequence


def clips(folder: Path) -> Path:
    """Three clips of 1, 2 and 3 s and the texts "text 0" to "text 2", and a row whose recording is missing."""
    rows = speech(folder, [1.0, 2.0, 3.0])
    rows.append({**rows[0], "audio": "gone.flac", "text": "text 3"})
    (folder / MANIFEST).write_text("".join(json.dumps(row) + "\n" for row in rows))
    return folder / MANIFEST


def by_length(samples: np.ndarray) -> Heard:
    """Hears which clip it is by its length."""
    assert samples.dtype == np.float32
    if len(samples) == 32_000:
        raise RuntimeError("no more beams")
    return Heard(f"text {len(samples) // 16_000 - 1}", -0.5)


def test_decoded_clips_are_rows_of_eval_and_failures_too(tmp_path: Path) -> None:
    rows = list(decoded_rows(read_items(clips(tmp_path)), by_length, "other 1.0"))
    assert [row.get("num_edits") for row in rows] == [0, None, 0, None]
    assert rows[1]["error"].startswith("other 1.0: ")
    assert "1.flac: RuntimeError: no more beams" in rows[1]["error"]
    assert "gone.flac" in rows[3]["error"]
    assert (rows[2]["prediction"], rows[2]["mean_logprob"], rows[2]["route"]) == ("text 2", -0.5, "other 1.0")
    assert (rows[2]["speaker"], rows[2]["audio_s"], rows[2]["flags"]) == ("s2", 3.0, [])


def test_the_files_are_taken_by_compare_and_a_run_goes_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    manifest = clips(tmp_path)
    heard: list[int] = []

    def decode(samples: np.ndarray) -> Heard:
        if len(heard) == 2:
            heard.append(0)
            raise KeyboardInterrupt
        heard.append(len(samples))
        return Heard("text 1" + " and" * 5, -0.5)

    monkeypatch.setattr(baselines, "faster_whisper_decoder", lambda: (decode, "other 1.0"))
    with pytest.raises(KeyboardInterrupt):
        baselines.main(manifest, tmp_path / "results")
    baselines.main(manifest, tmp_path / "results")
    assert heard == [16_000, 32_000, 0, 48_000]
    decoded = tmp_path / "results" / "manifest.faster_whisper.jsonl"
    assert [row.get("num_edits") for row in read_jsonl(decoded)] == [6, 5, 6, None]

    baselines.main(manifest, tmp_path / "results", collapse=decoded, decoded=False)
    collapsed = tmp_path / "results" / "manifest.collapsed.jsonl"
    assert [row.get("num_edits") for row in read_jsonl(collapsed)] == [2, 1, 2, None]
    assert len(heard) == 4  # nothing was decoded again
    table = megaasr("compare", decoded, f"collapsed={collapsed}", "--ours", "collapsed", "--json")
    assert table.returncode == 0, table.stderr
    found = json.loads(table.stdout)["slices"]["all (wer)"]["systems"]
    assert (found["base"]["insertions"], found["collapsed"]["insertions"]) == (15, 3)


def test_collapsed_results_keep_what_the_base_says_and_its_failures(tmp_path: Path) -> None:
    items = read_items(clips(tmp_path))
    fields = {"mean_logprob": -0.3, "route": "always base", "adapter": None, "audio_s": 1.0, "decoding_s": 0.2}
    base = [
        {"audio": "2.flac", "prediction": "text 2", "flags": ["level"], **fields},
        {"audio": "0.flac", "prediction": "text text text 0", "flags": ["level", "repetitive"], **fields},
        {"audio": "1.flac", "error": "no memory"},
        {"audio": "gone.flac", "prediction": "", "flags": ["empty"], **fields},
    ]
    scores = {"metric": "wer", "num_edits": 0, "ref_len": 2, "substitutions": 0, "insertions": 0, "deletions": 0}
    base = [row if "error" in row else {**row, **scores} for row in base]
    rows = collapsed_rows(items, base)
    assert [row["audio"] for row in rows] == ["0.flac", "1.flac", "2.flac", "gone.flac"]
    assert [row.get("prediction") for row in rows] == ["text 0", None, "text 2", ""]
    assert [row.get("num_edits") for row in rows] == [0, None, 0, 2]
    assert [row.get("flags") for row in rows] == [["level"], None, ["level"], ["empty"]]
    assert [row.get("route") for row in rows] == ["loops collapsed", None, "always base", "always base"]
    assert rows[1]["error"] == "no memory"
    with pytest.raises(ManifestError, match=r"differ in 1 utterances, such as 2\.flac"):
        collapsed_rows(items, base[1:])


def test_a_missing_package_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "faster_whisper", None)
    with pytest.raises(ParameterError, match=r"faster-whisper is not installed; run: pip install -r recipes/tiny/req"):
        baselines.faster_whisper_decoder()


@pytest.mark.slow
def test_faster_whisper_hears_an_example_by_its_defaults(tmp_path: Path) -> None:
    pytest.importorskip("faster_whisper")
    decode, name = baselines.faster_whisper_decoder()
    items = [item for item in read_items(ROOT / "examples" / "vitw" / "manifest.jsonl") if "mixed" in item.audio.name]
    (row,) = decoded_rows(items, decode, name)
    assert row["num_edits"] <= 2, row.get("error", row.get("prediction"))
    assert -1.0 < row["mean_logprob"] < 0.0
    assert row["route"].startswith("faster-whisper ")

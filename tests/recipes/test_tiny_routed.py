"""Tests of the recipe's outcomes, joined manifests, routed results and bounds of the second opinion."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from megaasr_core.base.audio import Audio
from megaasr_core.base.errors import ManifestError, ParameterError
from megaasr_core.contracts.router import Route
from megaasr_core.discovery.loading import load_plugins
from megaasr_routers.expected_errors import FEATURES, ExpectedErrors, read_expected_errors, to_json
from recipes.tiny import dataset_files, fit_opinion, join_manifests, only, opinions, outcomes, routed
from recipes.tiny.parts import sentence_of
from tests.recipes.made import speech

RATE = 16_000


def test_outcomes_are_joined_by_clip() -> None:
    base = [{"id": "a", "audio": "a.flac", "num_edits": 3}, {"audio": "b.flac", "num_edits": 0}]
    robust = [{"id": "a", "audio": "a.flac", "num_edits": 1}, {"audio": "b.flac", "num_edits": 2}]
    assert outcomes.join(base, robust) == [
        {"id": "a", "base_edits": 3, "robust_edits": 1},
        {"id": "b.flac", "base_edits": 0, "robust_edits": 2},
    ]
    with pytest.raises(ManifestError, match="not of the same clips"):
        outcomes.join(base, robust[::-1])
    with pytest.raises(ManifestError, match=r"a\.flac failed: gone"):
        outcomes.join(base, [{"id": "a", "audio": "a.flac", "error": "gone"}, robust[1]])


def test_joined_rows_say_what_was_degraded_and_what_they_depend_on(tmp_path: Path) -> None:
    speech(tmp_path / "clean", [1.0])
    speech(tmp_path / "real", [1.0], condition="degraded", family="everyday", cluster="c1")
    speech(tmp_path / "bad", [1.0, 1.0], scenario="noise")
    places = [tmp_path / name / dataset_files.MANIFEST for name in ("clean", "real", "bad")]
    rows = join_manifests.join(places, tmp_path)
    fields = ("condition", "audio", "family", "scenario", "cluster")
    assert [tuple(row.get(field) for field in fields) for row in rows] == [
        ("clean", "clean/0.flac", None, "clean", None),
        ("degraded", "real/0.flac", "everyday", None, "c1"),
        ("degraded", "bad/0.flac", "simulated", "noise", "s0"),
        ("degraded", "bad/1.flac", "simulated", "noise", "s1"),
    ]
    assert len({row["id"] for row in rows}) == 4
    assert rows[2]["utterance"] == f"s0/{sentence_of('TEXT, 0!')}" != rows[3]["utterance"]


def test_rows_of_one_family_are_selected(tmp_path: Path) -> None:
    rows = [{"id": "a", "family": "one"}, {"id": "b", "family": "two"}, {"id": "c"}]
    assert only.only(rows, "family=two") == [rows[1]]
    with pytest.raises(ManifestError, match="no row has family 'three'; the values of family are None, one, two"):
        only.only(rows, "family=three")
    with pytest.raises(ParameterError, match="FIELD=VALUE is expected"):
        only.only(rows, "family")


def results(edits: list[int], prediction: str = "words", logprob: float = -0.2, adapter: str | None = None) -> list:
    """Rows of results with these numbers of edits."""
    fields = {"prediction": prediction, "language": "en", "mean_logprob": logprob, "flags": [], "adapter": adapter}
    return [{"id": f"c{number}", "num_edits": count, **fields} for number, count in enumerate(edits)]


def test_routed_rows_are_those_of_the_route_and_of_the_second_opinion(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    opinion = opinion_file(tmp_path / "opinion.json", -1.0)
    router = load_plugins().routers["second_opinion"].create({"opinion": str(opinion)})
    monkeypatch.setattr(type(router), "load", lambda self: SimpleNamespace(threshold=0.5))
    monkeypatch.setattr(type(router), "probabilities", lambda self, batch: [0.9, 0.1, 0.9][: len(batch)])
    audios = [Audio(np.random.default_rng(1).uniform(-0.1, 0.1, RATE).astype(np.float32), RATE)] * 3
    base, robust = results([3, 0, 5]), results([1, 2, 4], adapter="robust")
    robust[2] = {**robust[2], "mean_logprob": -2.0, "prediction": "some words that nobody said"}
    base[2] = {**base[2], "mean_logprob": -1.0}
    rows = routed.choose(router, audios, base, robust)
    assert [row["num_edits"] for row in rows] == [1, 0, 5]
    assert rows[0]["route"] == "degraded: p(degraded) 0.90"
    assert rows[2]["route"] == "second opinion, the first was unsure: mean log-probability -2.00"
    later = routed.choose(router, audios[:1], base, robust, first=1)
    assert later[0]["id"] == "c1"


def opinion_file(path: Path, bias: float) -> Path:
    """Weights of second_opinion that prefer the adapter where `bias` is above 0."""
    path.write_text(json.dumps(to_json(ExpectedErrors((bias, *[0.0] * (len(FEATURES) - 1))))))
    return path


def test_settings_of_the_second_opinion_are_compared_by_the_errors_they_leave_in_each_family(tmp_path: Path) -> None:
    for_base, for_adapter = (opinion_file(tmp_path / f"{bias}.json", bias) for bias in (-1.0, 1.0))
    audios = [Audio(np.random.default_rng(1).uniform(-0.1, 0.1, RATE).astype(np.float32), RATE)] * 2
    routes = [Route("robust", "degraded")] * 2
    base, robust = results([1, 4], logprob=-1.4), results([3, 2], "more words", -0.9, "robust")
    for row, family in zip(base + robust, ("a", "b", "a", "b"), strict=True):
        row["family"] = family
    clips = opinions.Decoded(audios, base, robust)
    measured = [
        opinions.measured(opinions.router(sure_logprob=sure, opinion=str(file)), clips, routes)
        for sure, file in ((-1.0, for_base), (-0.8, for_base), (-0.8, for_adapter))
    ]
    always, first = {"a": 3.0, "b": 0.5}, {"a": 1.0, "b": 1.0}
    assert measured == [(always, 0), (first, 2), (always, 2)]
    assert opinions.ratios(robust, base) == always
    assert opinions.line((0.1,), always, 0) == "| 0.1 | 1.750 | 3.000 | 0.500 | 0 |"


def test_weights_are_fitted_to_the_clips_on_which_the_systems_differ() -> None:
    base = results([4, 4, 0, 1, 2, 9], "a b c", -1.0)
    robust = results([0, 0, 3, 1, 2, 0], "a b d", -0.2, "robust")
    robust[2] = {**robust[2], "mean_logprob": -2.0, "prediction": "a b c d e f"}
    base[5] = {**base[5], "flags": ["repetitive"]}  # decided by a rule
    for row in base + robust:
        row["audio_s"] = 1.0
    model, told = fit_opinion.fitted(base, robust)
    assert model.examples == 3
    assert told == (
        "5 clips, 3 with different numbers of errors; errors of the base 11, of the adapter 6, as chosen 3, "
        "of the better one 3"
    )
    with pytest.raises(ManifestError, match="no utterance has different numbers of errors"):
        fit_opinion.fitted(base, base)


def test_every_clip_is_routed_once_for_each_threshold(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    kind, classified = load_plugins().routers["second_opinion"], []
    monkeypatch.setattr(kind, "load", lambda self: SimpleNamespace(threshold=0.5))
    monkeypatch.setattr(kind, "probabilities", lambda self, batch: classified.extend(batch) or [0.15] * len(batch))
    rows = speech(tmp_path, [1.0, 1.0], family="everyday")
    dataset_files.write_manifest(tmp_path / "choose.jsonl", rows)
    (tmp_path / "results").mkdir()
    (tmp_path / "report").mkdir()
    (tmp_path / "router").mkdir()
    opinion_file(tmp_path / "router" / "expected_errors.json", 1.0)
    for name, listed in (("base", results([3, 5])), ("robust", results([1, 3], adapter="robust"))):
        written = [{**row, "family": "everyday"} for row in listed]
        (tmp_path / "results" / f"choose.{name}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in written))
    opinions.main(tmp_path, tmp_path / "chosen.json")
    table = (tmp_path / "report" / "opinions.md").read_text().splitlines()
    assert table[0] == "| threshold | sure | mean | everyday | asked |"
    assert table[2] == "| always | - | 0.500 | 0.500 | 0 |"
    assert len(table) == 3 + len(opinions.THRESHOLDS) * len(opinions.SURE)
    assert table[3] == "| 0.0 | -0.4 | 0.500 | 0.500 | 0 |"  # p(degraded) 0.15 is above this threshold
    assert table[-1] == "| 0.5 | -1.5 | 1.000 | 1.000 | 0 |"
    chosen = read_expected_errors(tmp_path / "chosen.json")
    assert (chosen.threshold, chosen.sure_logprob, chosen.weights[0]) == (0.0, -0.4, 1.0)
    assert len(classified) == 2 * len(opinions.THRESHOLDS)


def test_of_settings_that_the_clips_cannot_tell_apart_the_cheapest_is_taken() -> None:
    found = {(0.0, -0.4): (0.800, 90), (0.0, -1.0): (0.804, 20), (0.5, -1.0): (0.806, 5), (0.1, -1.0): (0.803, 20)}
    assert opinions.best(found) == (0.1, -1.0)


def test_results_of_other_clips_are_refused(tmp_path: Path) -> None:
    speech(tmp_path / "clips", [1.0])
    for name, rows in (("base", results([1])), ("robust", results([1, 2]))):
        (tmp_path / f"{name}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    names = (tmp_path / "clips" / dataset_files.MANIFEST, tmp_path / "base.jsonl", tmp_path / "robust.jsonl")
    with pytest.raises(ManifestError, match="not of the same clips"):
        routed.main(*names, weights=tmp_path / "router", out=tmp_path / "routed.jsonl")
    (tmp_path / "robust.jsonl").write_text('{"id": "c0", "audio": "0.flac", "error": "gone"}\n')
    (tmp_path / "base.jsonl").write_text('{"id": "c0", "audio": "0.flac", "num_edits": 1}\n')
    with pytest.raises(ManifestError, match=r"0\.flac failed: gone"):
        routed.main(*names, weights=tmp_path / "router", out=tmp_path / "routed.jsonl")
    assert not (tmp_path / "routed.jsonl").exists()

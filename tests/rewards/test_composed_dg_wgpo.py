"""The reward of the paper written in YAML alone gives the scores of the registered one."""

from pathlib import Path

import pytest
import yaml

from megaasr import RewardSample, installed_plugins, read_reward
from megaasr.library.reward_composition import compose

from .drawn_texts import drawn_samples

EXAMPLE = Path(__file__).parents[2] / "examples" / "rewards" / "dg_wgpo.yaml"
REWARDS = installed_plugins().rewards
SAMPLES = drawn_samples(10_000, "dg_wgpo in YAML")


def test_the_example_equals_the_class_on_ten_thousand_pairs():
    columns = read_reward(EXAMPLE, REWARDS).score_terms(SAMPLES)
    expected = REWARDS["dg_wgpo"].create().score(SAMPLES)
    assert [score is None for score in columns["total"]] == [score is None for score in expected]
    differences = [abs(a - b) for a, b in zip(columns["total"], expected, strict=True) if a is not None]
    assert max(differences) <= 1e-12
    kinds = {
        "below the gate": sum(0 < wer < 0.3 for wer in columns["dynamic.wer"] if wer is not None),
        "beyond the gate": sum(wer >= 0.3 for wer in columns["dynamic.wer"] if wer is not None),
        "loops": REWARDS["anti_repetition"].create().score(SAMPLES).count(0.0),
        "abstaining": expected.count(None),
        "negative": sum(score < 0 for score in expected if score is not None),
        "perfect": sum(score == pytest.approx(1.0) for score in expected if score is not None),
    }
    assert min(kinds.values()) > 100, kinds


def test_the_settings_of_the_class_are_written_in_the_terms():
    data = yaml.safe_load(EXAMPLE.read_text(encoding="utf-8"))
    data["terms"][0]["settings"] = {"floor": 0.0}
    switch = data["terms"][1]["switch"]
    switch["below"] = 0.5
    for side, weights in (("then", (0.9, 0.1)), ("else", (0.1, 0.9))):
        fine = {"name": "token_refinement", "weight": weights[0], "settings": {"soft_weight": 0.2}}
        switch[side] = [fine, {"name": "sentence_reconstruction", "weight": weights[1]}]
    scores = compose(data, REWARDS).score(SAMPLES[:2_000])
    expected = REWARDS["dg_wgpo"].create({"floor": 0.0, "tau": 0.5, "major": 0.9, "soft_weight": 0.2})
    for one, other in zip(scores, expected.score(SAMPLES[:2_000]), strict=True):
        assert one == (other if other is None else pytest.approx(other, abs=1e-12))


def test_half_of_the_formula_is_replaced_without_code():
    data = yaml.safe_load(EXAMPLE.read_text(encoding="utf-8"))
    data["terms"][1]["switch"]["else"] = {"invention": 1.0}
    sample = RewardSample("well the dog", "the cat")  # one insertion, one substitution: WER 1
    columns = compose(data, REWARDS).score_terms([sample])
    assert columns["dynamic"] == columns["dynamic.invention"] == [pytest.approx(2 / 3)]

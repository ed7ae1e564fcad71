import json
from typing import ClassVar

import pytest
from pydantic import Field

from megaasr import Reward, RewardSample
from megaasr_core.base.errors import ManifestError, ParameterError, PluginError, UnknownNameError
from megaasr_core.contracts.reward import checked_scores
from megaasr_core.discovery.registry import Owner, Registry
from megaasr_core.flows.composed_reward import compose, read_reward


class Length(Reward):
    """Number of words, times a factor; abstains on no reference."""

    name: ClassVar[str] = "length"
    bounds: ClassVar[tuple[float, float]] = (0.0, 100.0)
    factor: float = Field(1.0, ge=0.0, le=10.0)

    def score(self, batch):
        return [None if s.reference is None else self.factor * len(s.hypothesis.split()) for s in batch]


class Gate(Reward):
    """1 where the hypothesis begins with a."""

    name: ClassVar[str] = "gate"

    def score(self, batch):
        return [float(s.hypothesis.startswith("a")) for s in batch]


class Broken(Reward):
    """Whatever it is told to return."""

    name: ClassVar[str] = "broken"
    returns: tuple[float, ...] = ()

    def score(self, batch):
        return list(self.returns)


@pytest.fixture
def rewards():
    registry = Registry("reward")
    for reward in (Length, Gate, Broken):
        registry.add(reward.name, reward, Owner("test", "file", "-"))
    return registry


BATCH = [RewardSample("a b c", "x"), RewardSample("b c", "x"), RewardSample("a", None)]


def test_terms_are_weighted_gated_and_added(rewards):
    terms = [
        {"name": "length", "weight": 0.5, "gate": "gate"},
        {"name": "length", "label": "double", "weight": -1, "settings": {"factor": 2.0}},
    ]
    scores = compose({"terms": terms}, rewards).score_terms(BATCH)
    assert scores == {
        "length": [3.0, 0.0, None],
        "double": [6.0, 4.0, None],
        "total": [0.5 * 3.0 - 6.0, -4.0, None],
    }


def test_a_term_of_no_weight_is_shown_and_does_not_count(rewards):
    composed = compose({"terms": [{"name": "gate"}, {"name": "length", "weight": 0.0}]}, rewards)
    assert composed.score(BATCH) == [1.0, 0.0, 1.0]
    assert composed.score_terms(BATCH)["length"] == [3.0, 2.0, None]


@pytest.mark.parametrize(
    ("data", "error", "reason"),
    [
        ({"terms": []}, ParameterError, "terms: List should have at least 1"),
        ({"term": []}, ParameterError, "terms: Field required"),
        ([1], ParameterError, "the file"),
        ({"terms": [{"weight": 1}]}, ParameterError, r"terms\.0\.name: Field required"),
        ({"terms": [{"name": "gate", "wieght": 1}]}, ParameterError, r"terms\.0\.wieght"),
        ({"terms": [{"name": "gate", "weight": float("nan")}]}, ParameterError, r"terms\.0\.weight"),
        ({"terms": [{"name": "gaet"}]}, UnknownNameError, "did you mean 'gate'"),
        ({"terms": [{"name": "gate", "gate": "lenght"}]}, UnknownNameError, "did you mean 'length'"),
        (
            {"terms": [{"name": "length", "settings": {"factor": 11}}]},
            ParameterError,
            "factor = 11: .*less than or equal",
        ),
        ({"terms": [{"name": "length", "settings": {"facter": 1}}]}, ParameterError, "did you mean 'factor'"),
        ({"terms": [{"name": "gate"}, {"name": "gate"}]}, ParameterError, "two terms are called 'gate'"),
        ({"terms": [{"name": "gate", "label": "total"}]}, ParameterError, "two terms are called 'total'"),
    ],
)
def test_a_wrong_file_is_one_line_that_says_where(rewards, tmp_path, data, error, reason):
    path = tmp_path / "r.yaml"
    path.write_text(json.dumps(data))  # JSON is YAML
    with pytest.raises(error, match=reason) as caught:
        read_reward(path, rewards)
    assert "\n" not in str(caught.value)


def test_what_cannot_be_read_is_one_line(rewards, tmp_path):
    with pytest.raises(ManifestError, match="No such file"):
        read_reward(tmp_path / "none.yaml", rewards)
    (tmp_path / "r.yaml").write_text("terms: [")
    with pytest.raises(ParameterError, match="not YAML"):
        read_reward(tmp_path / "r.yaml", rewards)


@pytest.mark.parametrize(
    ("returns", "reason"),
    [
        ((1.0,), "1 scores for 3 samples"),
        ((0.0, 1.5, 0.0), "1.5 of sample 1 is outside 0..1"),
        ((0.0, 0.0, float("nan")), "nan"),
    ],
)
def test_a_reward_is_held_to_its_contract(returns, reason):
    class Unchecked(Broken):
        def score(self, batch):
            return list(returns)

    with pytest.raises(PluginError, match=reason):
        checked_scores(Unchecked(), BATCH)

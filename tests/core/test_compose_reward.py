import json
from typing import ClassVar

import pytest
from pydantic import Field

from megaasr import MegaasrError, Reward, RewardSample, coverage, term_scores
from megaasr.library.reward_composition import compose
from megaasr.library.reward_files import read_reward
from megaasr_core.base.errors import ManifestError, ParameterError, PluginError, UnknownNameError
from megaasr_core.contracts.reward import checked_scores
from megaasr_core.discovery.registry import Owner, Registry


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


class Negative(Reward):
    """-1 for everything."""

    name: ClassVar[str] = "negative"
    bounds: ClassVar[tuple[float, float]] = (-1.0, 0.0)

    def score(self, batch):
        return [-1.0 for _ in batch]


class Fragile(Reward):
    """One over the number of words; raises where there are none."""

    name: ClassVar[str] = "fragile"
    scale: float = Field(1.0, gt=0.0, le=10.0)

    def score(self, batch):
        return [self.scale / len(s.hypothesis.split()) for s in batch]


class Improvement(Reward):
    """Reads the base's WER from the sample's meta."""

    name: ClassVar[str] = "improvement"

    def score(self, batch):
        return [s.meta.get("base_wer") for s in batch]


@pytest.fixture
def more(rewards):
    for reward in (Negative, Fragile, Improvement):
        rewards.add(reward.name, reward, Owner("test", "file", "-"))
    return rewards


@pytest.mark.parametrize(
    ("abstain", "total"), [({}, [4.0, 2.0, None]), ({"abstain": "skip"}, [4.0, 2.0, 1.0])], ids=["propagate", "skip"]
)
def test_a_term_that_abstains_takes_its_total_along_or_is_skipped(rewards, abstain, total):
    composed = compose({"terms": [{"name": "length"}, {"name": "gate"}], **abstain}, rewards)
    assert composed.score_terms(BATCH) == {"length": [3.0, 2.0, None], "gate": [1.0, 0.0, 1.0], "total": total}


def test_the_total_abstains_where_every_term_is_skipped(rewards):
    composed = compose({"terms": [{"name": "length", "gate": "gate"}], "abstain": "skip"}, rewards)
    assert composed.score(BATCH) == [3.0, 0.0, None]


def test_each_summary_counts_what_is_in_its_mean(more):
    columns = compose({"terms": [{"name": "length"}, {"name": "fragile"}]}, more).term_scores(
        [*BATCH, RewardSample("", "x")]
    )
    summaries = {label: column.summary() for label, column in columns.items()}
    assert summaries == {
        "length": {"mean": pytest.approx(5 / 3), "scored": 3, "abstained": 1, "failed": 0, "of": 4},
        "fragile": {"mean": pytest.approx((1 / 3 + 1 / 2 + 1) / 3), "scored": 3, "abstained": 0, "failed": 1, "of": 4},
        "total": {"mean": pytest.approx((10 / 3 + 5 / 2) / 2), "scored": 2, "abstained": 1, "failed": 1, "of": 4},
    }
    assert coverage(summaries["length"]) == "mean of 3 of 4 (1 abstained)"
    assert coverage(summaries["total"]) == "mean of 2 of 4 (1 abstained, 1 failed)"


def test_a_gate_has_settings(more):
    gate = {"name": "fragile", "settings": {"scale": 0.5}}
    scores = compose({"terms": [{"name": "length", "gate": gate}]}, more).score_terms(BATCH[:2])
    assert scores["length"] == [3.0 * 0.5 / 3, 2.0 * 0.5 / 2]


@pytest.mark.parametrize(
    ("gate", "error", "reason"),
    [
        ("negative", ParameterError, r"term length: gate negative has bounds -1\.\.0; a gate must be within 0\.\.1"),
        ("length", ParameterError, r"gate length has bounds 0\.\.100"),
        ({"name": "fragile", "settings": {"scale": 11}}, ParameterError, "reward fragile: scale = 11: .*less than"),
        ({"name": "fragile", "settings": {"scall": 1}}, UnknownNameError, "did you mean 'scale'"),
        ({"name": "fragile", "setings": {}}, ParameterError, r"terms\.0\.gate\.setings: Extra inputs"),
        (["fragile"], ParameterError, r"terms\.0\.gate: "),
    ],
)
def test_a_gate_that_is_refused_is_one_line(more, gate, error, reason):
    with pytest.raises(MegaasrError, match=reason) as caught:
        compose({"terms": [{"name": "length", "gate": gate}]}, more)
    assert isinstance(caught.value, (error, ParameterError))
    assert "\n" not in str(caught.value)


def test_a_gate_that_leaves_0_to_1_while_it_scores_is_an_error(more):
    composed = compose({"terms": [{"name": "length", "gate": {"name": "fragile", "settings": {"scale": 10.0}}}]}, more)
    with pytest.raises(PluginError, match=r"reward fragile: score 3\.33\S* of sample 0 is outside 0\.\.1"):
        composed.score(BATCH[:1])


def test_meta_reaches_the_terms_and_gates_of_a_composed_reward(more):
    composed = compose({"terms": [{"name": "length", "gate": "improvement"}, {"name": "improvement"}]}, more)
    scores = composed.score_terms([RewardSample("a b", "x", "en", {"base_wer": 0.25})])
    assert scores == {"length": [0.5], "improvement": [0.25], "total": [0.75]}


def test_a_reward_that_raises_is_one_line_with_reward_exception_file_and_line():
    with pytest.raises(PluginError, match=r"^reward fragile: ZeroDivisionError: .* \(test_compose_reward\.py:\d+\)$"):
        checked_scores(Fragile(), [RewardSample("", "x")])


def test_a_term_that_fails_on_a_row_leaves_the_other_rows_and_terms(more):
    composed = compose({"terms": [{"name": "gate"}, {"name": "fragile"}]}, more)
    batch = [RewardSample("a b", "x"), RewardSample("", "x")]
    with pytest.raises(PluginError, match="ZeroDivisionError"):
        composed.score(batch)
    columns = composed.term_scores(batch)
    assert {label: column.scores for label, column in columns.items()} == {
        "gate": [1.0, 0.0],
        "fragile": [0.5, None],
        "total": [1.5, None],
    }
    assert not columns["gate"].errors
    assert list(columns["fragile"].errors) == list(columns["total"].errors) == [1]


def test_a_reward_that_fails_only_on_the_whole_batch_has_failed_on_all_of_it():
    class Single(Broken):
        def score(self, batch):
            return [1.0]

    column = term_scores(Single(), BATCH)
    assert column.scores == [None] * 3
    assert set(column.errors.values()) == {"reward broken: 1 scores for 3 samples"}


@pytest.mark.parametrize(
    ("returned", "reason"),
    [
        (None, "NoneType in place of a list of scores for 1 samples"),
        (iter([1.0]), "list_iterator in place of a list"),
        (["1.0"], "score '1.0' of sample 0 is neither a number nor None"),
        ([[1.0]], "is neither a number nor None"),
    ],
)
def test_what_is_no_list_of_scores_is_refused(returned, reason):
    class Unchecked(Broken):
        def score(self, batch):
            return returned

    with pytest.raises(PluginError, match=reason):
        checked_scores(Unchecked(), BATCH[:1])

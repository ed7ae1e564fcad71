"""A switch among the terms of a composed reward: which side counts, what abstains and fails, what is refused."""

import pytest

from megaasr import MegaasrError, Reward, RewardSample, Switch, Term
from megaasr.library.composed_reward import ComposedReward
from megaasr.library.reward_composition import compose
from megaasr_core.discovery.registry import Owner, Registry

CALLS = []


class Field(Reward):
    """The number of that name in the sample's meta, times a factor; fails where it is a text."""

    name = "field"
    bounds = (-10.0, 10.0)
    key: str = "x"
    factor: float = 1.0

    def score(self, batch):
        CALLS.append(self.key)
        return [None if (value := s.meta.get(self.key)) is None else self.factor * value / 1 for s in batch]


class Level(Field):
    """As field, of the key level."""

    name = "level"
    bounds = (0.0, 1.0)
    key: str = "level"


@pytest.fixture
def rewards():
    registry = Registry("reward")
    for reward in (Field, Level):
        registry.add(reward.name, reward, Owner("test", "file", "-"))
    return registry


def sample(**meta):
    return RewardSample("a b c x", "a b c d", "en", meta)


def switched(then, otherwise, by="level", below=0.5, **fields):
    return {"switch": {"by": by, "below": below, "then": then, "else": otherwise}, **fields}


def field(key, weight=1.0, **more):
    return {"name": "field", "label": key, "weight": weight, "settings": {"key": key}, **more}


def test_each_sample_gets_the_sum_of_its_side(rewards):
    term = switched([field("x", 0.5), field("y", 2.0)], [field("y")], weight=10.0, label="both")
    batch = [sample(level=0.49, x=0.2, y=0.3), sample(level=0.5, x=0.2, y=0.3), sample(level=1.0, y=1.0)]
    columns = compose({"terms": [term]}, rewards).score_terms(batch)
    assert columns == {
        "both.level": [0.49, 0.5, 1.0],
        "both.x": [0.2, 0.2, None],
        "both.y": [0.3, 0.3, 1.0],
        "both": [0.5 * 0.2 + 2.0 * 0.3, 0.3, 1.0],
        "total": [10.0 * (0.5 * 0.2 + 2.0 * 0.3), 3.0, 10.0],
    }


def test_wer_is_compared_by_that_name_and_a_mapping_gives_weights(rewards):
    below, beyond = ({"terms": [switched({"field": 1.0}, {"field": 2.0}, "wer", at)]} for at in (0.26, 0.25))
    assert compose(below, rewards).score([sample(x=0.5)]) == [0.5]
    assert compose(beyond, rewards).score([sample(x=0.5)]) == [1.0]
    unknown = RewardSample("a", None, "en", {"x": 0.5})
    assert compose(below, rewards).score_terms([unknown])["switch.wer"] == [None]
    assert compose(below, rewards).score([unknown]) == [None]


@pytest.mark.parametrize(("abstain", "missing"), [("propagate", None), ("skip", 0.25)])
def test_only_the_side_of_a_sample_makes_it_abstain(rewards, abstain, missing):
    data = {"terms": [switched([field("x"), field("y")], [field("z")])], "abstain": abstain}
    batch = [
        sample(level=0.0, x=0.25),
        sample(level=0.0, x=0.25, y=0.5),
        sample(level=0.9, z=0.5),
        sample(x=1.0, z=1.0),
    ]
    assert compose(data, rewards).score(batch) == [missing, 0.75, 0.5, None]


def test_only_the_side_of_a_sample_makes_it_fail(rewards):
    composed = compose({"terms": [switched([field("x")], [field("z")], label="s")]}, rewards)
    batch = [sample(level=0.0, x=0.5, z="no"), sample(level=0.9, x=0.5, z="no"), sample(level="no", x=0.5)]
    columns = composed.term_scores(batch)
    assert columns["s"].scores == columns["total"].scores == [0.5, None, None]
    assert list(columns["s"].errors) == list(columns["total"].errors) == [2, 1]
    assert all("TypeError" in reason for reason in columns["s"].errors.values())


def test_gates_weights_and_switches_inside_a_side(rewards):
    inner = switched([field("x")], [field("y", 0.5)], below=0.2, label="inner")
    outer = switched(
        [inner, field("z", 0.0)], {"field": 1.0}, label="outer", gate={"name": "level", "settings": {"key": "g"}}
    )
    batch = [sample(level=0.1, x=0.4, y=0.8, z=1.0, g=0.5), sample(level=0.3, x=0.4, y=0.8, z=1.0, g=0.5)]
    columns = compose({"terms": [outer]}, rewards).score_terms(batch)
    assert columns["outer.inner"] == [0.4, 0.4]
    assert columns["outer"] == [0.5 * 0.4, 0.5 * 0.5 * 0.8]
    assert {"outer.inner.level", "outer.inner.x", "outer.z", "outer.field"} <= set(columns)


def test_each_reward_scores_a_batch_once(rewards):
    gate = {"name": "level"}
    switch = switched([field("x")], [field("x", 0.5), field("y", gate=gate)], label="s")
    composed = compose({"terms": [field("x", gate=gate), switch]}, rewards)
    CALLS.clear()
    composed.score([sample(level=0.1, x=0.5, y=0.5)] * 3)
    assert sorted(CALLS) == ["level", "x", "y"]
    assert {reward.name for reward in composed.rewards} == {"field", "level"}


@pytest.mark.parametrize(
    ("term", "reason"),
    [
        (switched({"feild": 1}, {"field": 1}), "unknown reward 'feild': did you mean 'field'"),
        (switched({"field": 1}, {"field": 1}, by="levle"), "unknown reward 'levle': did you mean 'level'"),
        (switched([field("x", wieght=1)], {"field": 1}), r"terms\.0\.switch\.then\.0\.wieght: .*did you mean 'weight'"),
        (switched({}, {"field": 1}), r"terms\.0\.switch\.then: .*at least 1"),
        (switched({"field": 1}, "field"), r"terms\.0\.switch\.else: .*valid list"),
        (switched({"field": "much"}, {"field": 1}), r"terms\.0\.switch\.then\.0\.weight: "),
        (switched({"field": 1}, {"field": 1}, below=float("nan")), r"terms\.0\.switch\.below: "),
        (
            switched({"field": 1}, {"field": 1}, below=30),
            "below = 30: level is within 0..1, so one side is never taken",
        ),
        (switched({"field": 1}, {"field": 1}, by="wer", below=0), "below = 0: wer is within 0..inf"),
        (switched({"field": 1}, {"field": 1}, name="field"), r"terms\.0: a term has either name or switch"),
        (switched({"field": 1}, {"field": 1}, settings={}), r"terms\.0: a term has either settings or switch"),
        ({"switch": {"by": "wer", "below": 0.3, "then": {"field": 1}}}, r"terms\.0\.switch\.else: Field required"),
        ({"swich": {}, "name": "field"}, r"terms\.0\.swich: .*did you mean 'switch'"),
        (switched({"field": 1}, [field("x", settings={"fcator": 1})]), "did you mean 'factor'"),
        (
            switched({"field": 1}, [{"name": "field", "settings": {"factor": 2.0}}]),
            "two different terms are called 'switch.field': give one of them a label",
        ),
    ],
)
def test_what_is_refused_is_one_line_that_names_field_and_nearest_name(rewards, term, reason):
    with pytest.raises(MegaasrError, match=reason) as caught:
        compose({"terms": [term]}, rewards)
    assert "\n" not in str(caught.value)


def test_two_switches_need_labels(rewards):
    with pytest.raises(MegaasrError, match="two terms are called 'switch'"):
        compose({"terms": [switched({"field": 1}, {"field": 1})] * 2}, rewards)


def test_a_switch_is_built_in_python_too():
    sides = (Term("x", Field(), 1.0),), (Term("x", Field(), 3.0),)
    composed = ComposedReward([Term("s", Switch(Level(), 0.5, *sides), 1.0)])
    assert composed.score([sample(level=0.0, x=0.25), sample(level=1.0, x=0.25)]) == [0.25, 0.75]

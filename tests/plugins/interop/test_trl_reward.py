"""`as_trl_reward`: called as TRL's GRPOTrainer calls a reward function; test_trl_training.py runs TRL itself."""

import pytest

from megaasr import ParameterError, PluginError, RewardSample, Term, UnknownNameError, installed_plugins, reward
from megaasr.library.composed_reward import ComposedReward
from megaasr_plugins.interop.trl_reward import as_trl_reward

COMPLETIONS = ["the cat sat", "no no no no no no no"]
SOLUTIONS = ["the cat sat down", None]


@reward
def seen(batch):
    """Records what it is given."""
    seen.batches.append(batch)
    return [sample.meta.get("base_wer") for sample in batch]


@pytest.fixture(autouse=True)
def _no_batches_yet(monkeypatch):
    monkeypatch.setattr(seen, "batches", [], raising=False)


def test_a_registered_reward_scores_texts_and_abstains_with_none():
    function = as_trl_reward("dg_wgpo", tau=0.2)
    rewards = function(
        prompts=["p", "p"],
        completions=COMPLETIONS,
        completion_ids=[[1], [2]],
        solution=SOLUTIONS,
        trainer_state=object(),
    )
    term = installed_plugins().rewards["dg_wgpo"].create({"tau": 0.2})
    assert rewards == term.score([RewardSample(*pair) for pair in zip(COMPLETIONS, SOLUTIONS, strict=True)])
    assert rewards[1] is None
    assert function.__name__ == "dg_wgpo"


def test_completions_may_be_messages():
    chats = [
        [{"role": "assistant", "content": "the cat sat"}],
        [
            {"role": "assistant", "content": "first"},
            {"role": "tool", "content": "x"},
            {"role": "assistant", "content": [{"type": "text", "text": "the "}, {"type": "text", "text": "cat"}]},
        ],
    ]
    accuracy = as_trl_reward("wer_accuracy")
    assert accuracy(completions=chats, reference=["the cat sat down", "the cat"]) == [0.75, 1.0]


def test_the_columns_language_and_meta_reach_the_reward():
    function = as_trl_reward(seen, language="zh-CN", name="mine")
    columns = {"answer": ["a", "b"], "language": ["en", None], "base_wer": [0.25, 0.5], "trainer_state": object()}
    assert function(completions=COMPLETIONS, **columns) == [0.25, 0.5]
    assert seen.batches == [
        [
            RewardSample(COMPLETIONS[0], "a", "en", {"base_wer": 0.25}),
            RewardSample(COMPLETIONS[1], "b", "zh", {"base_wer": 0.5}),
        ]
    ]
    assert function.__name__ == "mine"


def test_a_composed_reward_gives_its_totals():
    rewards = installed_plugins().rewards
    composed = ComposedReward([Term("wer", rewards["wer_accuracy"].create(), 0.5, rewards["anti_repetition"].create())])
    function = as_trl_reward(composed)
    assert function(completions=COMPLETIONS, target=["the cat sat down", "no"], solution=["x", "no"]) == [
        pytest.approx(0.5 * (1 - 3)),
        0.0,
    ]
    assert function.__name__ == "composed_reward"
    named = as_trl_reward(composed, reference="target")
    assert named(completions=COMPLETIONS, target=["the cat sat down", "no"]) == [0.375, 0.0]


def test_a_reward_without_references_needs_no_column():
    function = as_trl_reward("anti_repetition", reference=None)
    assert function(completions=COMPLETIONS) == [1.0, 0.0]


@pytest.mark.parametrize(
    ("call", "error", "reason"),
    [
        (lambda: as_trl_reward("wer_acuracy"), UnknownNameError, "did you mean 'wer_accuracy'"),
        (lambda: as_trl_reward("wer_accuracy", floor=2), ParameterError, "floor = 2"),
        (
            lambda: as_trl_reward("wer_accuracy")(completions=["a"], target=["a"]),
            ParameterError,
            "wer_accuracy: no column reference or solution or answer with references; there are: target;",
        ),
        (
            lambda: as_trl_reward("wer_accuracy", reference="solution")(completions=["a"], answer=["a"]),
            ParameterError,
            "no column solution with references; there are: answer",
        ),
        (
            lambda: as_trl_reward("wer_accuracy")(completions=["a"], solution=["a", "b"]),
            ParameterError,
            "column solution does not hold one value for each of 1 completions",
        ),
        (lambda: as_trl_reward("wer_accuracy")(completions=["a"], solution=[3]), ParameterError, "solution holds 3"),
        (lambda: as_trl_reward("wer_accuracy")(completions="a"), ParameterError, "completions must be a list, not str"),
        (
            lambda: as_trl_reward("wer_accuracy")(completions=[[{"role": "user", "content": "x"}]], solution=["a"]),
            ParameterError,
            "a text or messages with an answer of the assistant",
        ),
        (
            lambda: as_trl_reward(reward(name="broken")(lambda batch: batch[9]))(completions=["a"], solution=["a"]),
            PluginError,
            r"reward broken: IndexError: list index out of range \(test_trl_reward\.py:\d+\)",
        ),
    ],
)
def test_a_mistake_is_one_line(call, error, reason):
    with pytest.raises(error, match=reason) as caught:
        call()
    assert "\n" not in str(caught.value)

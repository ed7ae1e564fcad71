"""One reward in TRL, ms-swift and verl: the signatures of the three, equal scores, abstentions, one-line errors."""

import inspect
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import given
from hypothesis import strategies as st

from megaasr import (
    ComposedReward,
    MegaasrError,
    ParameterError,
    PluginError,
    RewardSample,
    Term,
    UnknownNameError,
    installed_plugins,
    reward,
    score,
)
from megaasr_plugins.interop.ms_swift_reward import as_ms_swift_orm
from megaasr_plugins.interop.trl_reward import as_trl_reward
from megaasr_plugins.interop.verl_reward import as_verl_score

HYPOTHESES = ["the cat sat", "no no no no no no no", "a dog"]
REFERENCES = ["the cat sat down", "no", "a dog"]
COMPOSED = """
terms:
  - {name: wer_accuracy, weight: 0.5, gate: anti_repetition}
  - {name: token_refinement, weight: 0.5}
"""


def of_trl(given, hypotheses, references, **settings):
    return as_trl_reward(given, **settings)(
        prompts=["p"] * len(hypotheses), completions=hypotheses, completion_ids=[[1]] * len(hypotheses),
        solution=references, trainer_state=object(), log_extra=print, log_metric=print,
    )  # fmt: skip  # the call of TRL 1.16


def of_ms_swift(given, hypotheses, references, **settings):
    orms = {"mine": as_ms_swift_orm(given, **settings)}
    return orms["mine"](args=object())(
        hypotheses, trainer_state=object(), messages=[[]] * len(hypotheses), solution=references,
        finish_reason=["stop"] * len(hypotheses), rollout_infos=[{}] * len(hypotheses),
    )  # fmt: skip  # the call of ms-swift 4.6


def of_verl(given, hypotheses, references, **settings):
    compute_score = as_verl_score(given, **settings)
    return [
        compute_score(
            data_source="noizeus",
            solution_str=hypothesis,
            ground_truth=reference,
            extra_info={"num_turns": None, "rollout_reward_scores": {}},
        )
        for hypothesis, reference in zip(hypotheses, references, strict=True)
    ]  # the call of verl 0.9


TRAINERS = [of_trl, of_ms_swift, of_verl]
MAKERS = [as_trl_reward, as_ms_swift_orm, as_verl_score]


def composed():
    rewards = installed_plugins().rewards
    gate = rewards["anti_repetition"].create()
    terms = [("wer_accuracy", gate), ("token_refinement", None)]
    return ComposedReward([Term(name, rewards[name].create(), 0.5, gate) for name, gate in terms])


@pytest.mark.parametrize("trainer", TRAINERS)
@pytest.mark.parametrize("form", ["name", "class", "instance", "composed", "path", "text"])
def test_every_form_of_a_reward_gives_the_scores_of_megaasr(trainer, form, tmp_path):
    (tmp_path / "mine.yaml").write_text(COMPOSED)
    rewards = installed_plugins().rewards
    given = {
        "name": "dg_wgpo",
        "class": rewards["dg_wgpo"],
        "instance": rewards["dg_wgpo"].create({}),
        "composed": composed(),
        "path": tmp_path / "mine.yaml",
        "text": str(tmp_path / "mine.yaml"),
    }[form]
    same = composed() if form in ("path", "text") else given
    assert trainer(given, HYPOTHESES, REFERENCES) == score(HYPOTHESES, REFERENCES, reward=same)


@given(
    st.lists(st.tuples(st.text("ab ", max_size=12), st.text("ab ", min_size=1, max_size=12)), min_size=1, max_size=4)
)
def test_the_three_agree(pairs):
    hypotheses, references = map(list, zip(*pairs, strict=True))
    expected = of_trl("dg_wgpo", hypotheses, references, floor=0.0)
    for trainer in (of_ms_swift, of_verl):
        assert trainer("dg_wgpo", hypotheses, references, floor=0.0, abstain_score=-9.0) == [
            -9.0 if one is None else one for one in expected
        ]


def test_the_signatures_are_those_that_the_trainers_publish():
    verl = list(inspect.signature(as_verl_score("dg_wgpo")).parameters.values())
    assert [(one.name, one.default) for one in verl[:4]] == [
        ("data_source", inspect.Parameter.empty),
        ("solution_str", inspect.Parameter.empty),
        ("ground_truth", inspect.Parameter.empty),
        ("extra_info", None),
    ]
    assert not inspect.iscoroutinefunction(as_verl_score("dg_wgpo")), "verl would await it"
    orm = as_ms_swift_orm("dg_wgpo")
    assert list(inspect.signature(orm).parameters) == ["args", "kwargs"]
    assert inspect.signature(orm).parameters["args"].default is None
    called = inspect.signature(orm().__call__).parameters
    assert [(one.name, one.kind.name) for one in called.values()] == [
        ("completions", "POSITIONAL_OR_KEYWORD"),
        ("kwargs", "VAR_KEYWORD"),
    ]
    assert not inspect.iscoroutinefunction(orm.__call__), "ms-swift would await it"
    trl = inspect.signature(as_trl_reward("dg_wgpo")).parameters
    assert [(one.name, one.kind.name) for one in trl.values()] == [
        ("prompts", "POSITIONAL_OR_KEYWORD"),
        ("completions", "POSITIONAL_OR_KEYWORD"),
        ("columns", "VAR_KEYWORD"),
    ]


def test_the_names_under_which_trainers_log(tmp_path):
    path = tmp_path / "mine.yaml"
    path.write_text(COMPOSED)
    assert [as_trl_reward("dg_wgpo").__name__, as_trl_reward(path).__name__] == ["dg_wgpo", "mine"]
    assert as_verl_score(path, name="shown").__name__ == "shown"
    orms = {"one": as_ms_swift_orm("dg_wgpo"), "two": as_ms_swift_orm("wer_accuracy", name="words")}
    assert [type(one()).__name__ for one in orms.values()] == ["dg_wgpo", "words"]
    assert orms["two"](args=3)(["a"], solution=["a b"]) == [0.5], "classes keep their own rewards"
    assert orms["two"](args=3).args == 3


@reward
def seen(batch):
    """Records what it is given."""
    seen.samples += batch
    return [0.5] * len(batch)


@pytest.fixture
def samples(monkeypatch):
    monkeypatch.setattr(seen, "samples", [], raising=False)
    return seen.samples


def test_the_columns_of_the_rl_jsonl_reach_the_reward(samples):
    orm = as_ms_swift_orm(seen, language="English")()
    numbers = orm(
        ["ni hao", "hi"],
        solution=["ni hao ma", None],
        base_wer=[0.25, None],
        meta=[{"language": "zh-CN", "scenario": "echo", "base_wer": 0.9}, {"language": None, "base_wer": 0.75}],
        prediction=["ni", "hi"],
    )
    assert numbers == [0.5, 0.5]
    assert samples == [
        RewardSample("ni hao", "ni hao ma", "zh", {"scenario": "echo", "base_wer": 0.25, "prediction": "ni"}),
        RewardSample("hi", None, "en", {"base_wer": 0.75, "prediction": "hi"}),
    ]


def test_extra_info_of_verl_reaches_the_reward_and_stays_as_it_was(samples):
    extra = {"language": "fr", "index": 3, "words": ["a", "b"]}
    assert as_verl_score(seen)("noizeus", "le chat", "le chat", extra) == 0.5
    assert samples == [
        RewardSample("le chat", "le chat", "fr", {"index": 3, "words": ["a", "b"], "data_source": "noizeus"})
    ]
    assert extra == {"language": "fr", "index": 3, "words": ["a", "b"]}


def test_an_abstention_is_none_for_trl_and_an_error_for_the_others_unless_a_score_is_given():
    references = ["the cat sat down", None, "a dog"]
    expected = score(HYPOTHESES, references)
    assert expected[1] is None
    assert of_trl("dg_wgpo", HYPOTHESES, references) == expected
    with pytest.raises(
        ParameterError, match=r"dg_wgpo: abstains on sample 1 .* as_ms_swift_orm\(\.\.\., abstain_score"
    ):
        of_ms_swift("dg_wgpo", HYPOTHESES, references)
    with pytest.raises(ParameterError, match=r"dg_wgpo: abstains on sample 0 .* as_verl_score\(\.\.\., abstain_score"):
        of_verl("dg_wgpo", HYPOTHESES, references)
    for trainer in (of_ms_swift, of_verl):
        assert trainer("dg_wgpo", HYPOTHESES, references, abstain_score=-1) == [expected[0], -1.0, expected[2]]


def test_verl_scores_in_threads():
    compute_score = as_verl_score("dg_wgpo")
    barrier = threading.Barrier(4)

    def one(number):
        barrier.wait()
        return compute_score("d", HYPOTHESES[number % 3], REFERENCES[number % 3])

    with ThreadPoolExecutor(4) as pool:
        scores = list(pool.map(one, range(12)))
    assert scores == score(HYPOTHESES, REFERENCES) * 4


@pytest.mark.parametrize("maker", MAKERS)
@pytest.mark.parametrize(
    ("reward_given", "settings", "error", "reason"),
    [
        ("dg_wpgo", {}, UnknownNameError, "did you mean 'dg_wgpo'"),
        ("dg_wgpo", {"tau": "high"}, ParameterError, "tau"),
        (3, {}, ParameterError, "a name, a Reward or a ComposedReward is expected"),
        ("no/such.yaml", {}, MegaasrError, "no/such.yaml"),
        ("dg_wgpo", {"language": "klingonese"}, MegaasrError, "klingonese"),
    ],
)
def test_a_wrong_reward_is_one_line_before_the_training_starts(maker, reward_given, settings, error, reason):
    with pytest.raises(error, match=reason) as caught:
        maker(reward_given, **settings)
    assert "\n" not in str(caught.value)


def test_settings_beside_a_yaml_file_are_refused(tmp_path):
    (tmp_path / "mine.yaml").write_text(COMPOSED)
    for maker in MAKERS:
        with pytest.raises(ParameterError, match="'tau': the reward is built already"):
            maker(tmp_path / "mine.yaml", tau=0.5)
    (tmp_path / "mine.yaml").write_text("terms: [{name: wer_acuracy}]")
    for maker in MAKERS:
        with pytest.raises(UnknownNameError, match=r"mine\.yaml.*did you mean 'wer_accuracy'"):
            maker(tmp_path / "mine.yaml")


@pytest.mark.parametrize(
    ("call", "error", "reason"),
    [
        (lambda: as_ms_swift_orm("dg_wgpo")()("text", solution=["a"]), ParameterError, "must be a list, not str"),
        (lambda: as_ms_swift_orm("dg_wgpo")()(["a"], target=["a"]), ParameterError, "as_ms_swift_orm(..., reference="),
        (lambda: as_ms_swift_orm("dg_wgpo")()(["a"], solution=["a", "b"]), ParameterError, "each of 1 completions"),
        (lambda: as_ms_swift_orm("dg_wgpo")()([None], solution=["a"]), ParameterError, "completion 'None'"),
        (
            lambda: as_ms_swift_orm("dg_wgpo")()(["a"], solution=["a"], language=[4]),
            ParameterError,
            "language is 4; a text is expected",
        ),
        (lambda: as_verl_score("dg_wgpo")("d", None, "a"), ParameterError, "completion 'None'"),
        (lambda: as_verl_score("dg_wgpo")("d", "a", {"answer": "a"}), ParameterError, "ground_truth holds {'answer'"),
        (lambda: as_verl_score("dg_wgpo")("d", "a", "a", [1]), ParameterError, "extra_info must be a mapping or None"),
        (lambda: as_verl_score("dg_wgpo")("d", "a", "a", tau=0.5), ParameterError, "give settings to as_verl_score"),
        (lambda: as_verl_score("dg_wgpo", abstain_score="0"), ParameterError, "abstain_score is '0'"),
        (lambda: as_ms_swift_orm("dg_wgpo", abstain_score=float("nan")), ParameterError, "abstain_score is nan"),
        (
            lambda: as_verl_score(reward(name="broken")(lambda batch: batch[9]))("d", "a", "a"),
            PluginError,
            "reward broken: IndexError",
        ),
    ],
)
def test_a_mistake_is_one_line(call, error, reason):
    with pytest.raises(error) as caught:
        call()
    assert reason in str(caught.value)
    assert "\n" not in str(caught.value)


def test_what_verl_passes_with_a_reward_model_is_taken():
    compute_score = as_verl_score("wer_accuracy")
    assert compute_score("d", "a", "a", None, reward_router_address="host:1", reward_model_tokenizer=object()) == 1.0

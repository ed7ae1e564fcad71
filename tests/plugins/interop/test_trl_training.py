"""TRL itself trains with a reward of megaasr: GRPO on a tiny text model that is made here, offline."""

import math
import socket
from statistics import fmean

import pytest

from megaasr import score
from megaasr_plugins.interop.trl_reward import as_trl_reward

WORDS = ["the", "cat", "dog", "sat", "down", "ran"]
STEPS = 40
COMPOSED = """
terms:
  - {name: wer_accuracy, weight: 0.5, gate: anti_repetition, settings: {floor: 0.0}}
  - {name: token_refinement, weight: 0.5}
"""


@pytest.fixture
def trl(monkeypatch):
    """TRL, without a network."""

    def refused(self, address):
        raise AssertionError(f"a connection to {address} was tried")

    monkeypatch.setattr(socket.socket, "connect", refused)
    return pytest.importorskip("trl")


@pytest.fixture
def tokenizer():
    from tokenizers import Tokenizer
    from tokenizers.models import WordLevel
    from tokenizers.pre_tokenizers import Whitespace
    from transformers import PreTrainedTokenizerFast

    words = {word: number for number, word in enumerate(["<pad>", "<eos>", "<unk>", "say", *WORDS])}
    plain = Tokenizer(WordLevel(words, unk_token="<unk>"))
    plain.pre_tokenizer = Whitespace()
    return PreTrainedTokenizerFast(
        tokenizer_object=plain, pad_token="<pad>", eos_token="<eos>", unk_token="<unk>", padding_side="left"
    )


def tiny_model(size):
    import torch
    from transformers import LlamaConfig, LlamaForCausalLM

    torch.manual_seed(0)
    return LlamaForCausalLM(
        LlamaConfig(
            vocab_size=size,
            hidden_size=16,
            intermediate_size=32,
            num_hidden_layers=1,
            num_attention_heads=2,
            num_key_value_heads=2,
            max_position_embeddings=64,
            pad_token_id=0,
            eos_token_id=1,
            bos_token_id=None,
        )
    )


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:.(is_)?gradient_checkpointing. is deprecated:FutureWarning")  # TRL 1.16
@pytest.mark.parametrize("form", ["dg_wgpo", "yaml"])
def test_grpo_trains_on_the_scores_of_megaasr(trl, tokenizer, tmp_path, form):
    from datasets import Dataset

    (tmp_path / "mine.yaml").write_text(COMPOSED)
    reward = as_trl_reward("dg_wgpo", floor=0.0) if form == "dg_wgpo" else as_trl_reward(tmp_path / "mine.yaml")
    calls = []

    def recorded(prompts, completions, **columns):
        scores = reward(prompts, completions, **columns)
        calls.append((completions, columns["solution"], columns["base_wer"], scores))
        return scores

    rows = [
        {"prompt": "say", "solution": "the cat sat down", "base_wer": 0.5},
        {"prompt": "say the", "solution": "the dog ran", "base_wer": 0.25},
        {"prompt": "say cat", "solution": None, "base_wer": 0.0},
    ]
    model = tiny_model(len(tokenizer))
    config = trl.GRPOConfig(
        output_dir=str(tmp_path / "out"),
        per_device_train_batch_size=24,
        num_generations=8,
        max_completion_length=6,
        max_steps=STEPS,
        learning_rate=3e-2,
        lr_scheduler_type="constant",
        logging_steps=1,
        save_strategy="no",
        report_to="none",
        use_cpu=True,
        gradient_checkpointing=False,
        bf16=False,
        disable_tqdm=True,
        reward_weights=[1.0, 0.0],
        seed=1,
    )
    trainer = trl.GRPOTrainer(
        model=model,
        reward_funcs=[reward, recorded],
        args=config,
        train_dataset=Dataset.from_list(rows),
        processing_class=tokenizer,
    )
    trainer.train()
    assert len(calls) == STEPS
    for completions, solutions, base_wer, scores in calls:
        assert len(completions) == len(solutions) == len(base_wer) == len(scores) == 24
        assert [value is None for value in scores] == [value is None for value in solutions]
        if form == "dg_wgpo":
            assert scores == score(completions, solutions, "dg_wgpo", floor=0.0)
    logged = [line for line in trainer.state.log_history if f"rewards/{reward.__name__}/mean" in line]
    assert len(logged) == STEPS
    for line, (_, _, _, scores) in zip(logged, calls, strict=True):
        known = [value for value in scores if value is not None]
        assert line[f"rewards/{reward.__name__}/mean"] == line["rewards/recorded/mean"]
        assert line["reward"] == pytest.approx(fmean(known), abs=1e-5)
        assert math.isfinite(line["loss"])
    rewards = [line["reward"] for line in logged]
    assert fmean(rewards[-10:]) > fmean(rewards[:10]) + 0.03, "the policy gets more of the reward than it began with"

"""What training needs of Whisper: its module groups, batches with labels, logits and log-probabilities."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from megaasr import BackendError, RolloutScores, Utterance

from .whisper_encoder import encode, log_mel
from .whisper_heard import heard_by
from .whisper_prompt import end_of, prompt_of
from .whisper_scoring import scored

IGNORED = -100
"""The label of what is no target, as torch's cross entropy has it."""
_ENDINGS = ("q_proj", "k_proj", "v_proj", "out_proj")


def module_groups(model: Any) -> dict[str, tuple[str, ...]]:
    """Linear modules by group: what hears (encoder), what ties text to sound (aligner), what writes (llm).

    The aligner is the decoder's cross-attention; llm is its self-attention and feed-forward.
    """
    groups: dict[str, list[str]] = {"encoder": [], "aligner": [], "llm": []}
    for path, module in model.named_modules():
        name = path.replace(".base_layer", "")  # of modules that an adapter has wrapped
        ending = name.rpartition(".")[2]
        if not (ending in _ENDINGS or ending in ("fc1", "fc2")) or not hasattr(module, "weight"):
            continue
        in_decoder = name.startswith("model.decoder.")
        group = "encoder" if not in_decoder else "aligner" if ".encoder_attn." in name else "llm"
        if name not in groups[group]:
            groups[group].append(name)
    return {group: tuple(names) for group, names in groups.items()}


def collate(model: Any, processor: Any, batch: Sequence[tuple[Utterance, str]], window_s: float) -> dict[str, Any]:
    """Tensors for one step.

    Returns:
        ``input_features`` (batch, mels, frames); ``decoder_input_ids`` and ``labels`` (batch, tokens), where labels are
        -100 at the prompt and behind the end of text.

    Raises:
        BackendError: a target that has more tokens than the decoder takes, or a language that the model does not know
            or, with a multilingual model, an utterance that has none.
    """
    import torch

    own = model.generation_config
    prompts, end = [_prompt(own, utterance) for utterance, _ in batch], end_of(own)
    start = len(prompts[0])  # of all, since a model has prompts of one length
    tokens = [processor.tokenizer(f" {text.strip()}", add_special_tokens=False).input_ids for _, text in batch]
    longest = max(map(len, tokens))
    if start + longest + 1 > model.config.max_target_positions:
        raise BackendError(
            f"backend whisper: a target has {longest} tokens, "
            f"at most {model.config.max_target_positions - start - 1} fit; cut the utterance"
        )
    inputs = torch.full((len(batch), start + longest), end)
    labels = torch.full_like(inputs, IGNORED)
    for row, own_tokens in enumerate(tokens):
        inputs[row, :start] = torch.tensor(prompts[row])
        inputs[row, start : start + len(own_tokens)] = torch.tensor(own_tokens, dtype=torch.long)
        targets = torch.tensor([*own_tokens, end])
        labels[row, start - 1 : start - 1 + len(targets)] = targets
    features = log_mel(processor, [utterance for utterance, _ in batch], window_s)
    return {"input_features": features, "decoder_input_ids": inputs, "labels": labels}


def _prompt(own: Any, utterance: Utterance) -> list[int]:
    if utterance.language is None and own.is_multilingual:
        raise BackendError(f"backend whisper: {utterance.name} has no language, which a multilingual model needs")
    return prompt_of(own, utterance.language or "en")


def hidden_and_logits(model: Any, batch: dict[str, Any]) -> tuple[Any, Any]:
    """Encoder states (batch, frames / 2, hidden), and logits of the targets alone (num_targets, vocabulary)."""
    encoded = encode(model, batch["input_features"])
    decoded = model.get_decoder()(input_ids=batch["decoder_input_ids"], encoder_hidden_states=encoded)
    wanted = decoded.last_hidden_state[batch["labels"] != IGNORED]
    return encoded, model.proj_out(wanted)


def log_probabilities(model: Any, batch: dict[str, Any]) -> list[Any]:
    """Natural log-probability of every target token, end of text included, shape (num_tokens,) an utterance."""
    labels = batch["labels"]
    is_target = labels != IGNORED
    _, logits = hidden_and_logits(model, batch)
    chosen = logits.float().log_softmax(-1).gather(1, labels[is_target][:, None]).squeeze(1)
    return list(chosen.split(is_target.sum(1).tolist()))


def score_rollouts(
    model: Any,
    processor: Any,
    batch: Sequence[Utterance],
    rollouts: Sequence[Sequence[Sequence[int]]],
    window_s: float,
    temperature: float,
    entropies: bool,
) -> list[list[RolloutScores]]:
    """As `PolicyBackend.score_rollouts`, for utterances of one window; the encoder runs once an utterance."""
    import torch

    features = log_mel(processor, batch, window_s).to(model.device, model.dtype)
    rows = [row for row, own in enumerate(rollouts) for _ in own]
    prompt = torch.tensor([_prompt(model.generation_config, batch[row]) for row in rows], device=model.device)
    heard = heard_by(model, encode(model, features)).rows(rows)
    found = scored(model, heard, prompt, [one for own in rollouts for one in own])
    logprobs = (found.logits / temperature).log_softmax(-1)
    spread: Sequence[Any] = [None] * len(rows)
    if entropies:
        with torch.no_grad():
            spread = torch.special.entr(logprobs.exp()).sum(-1).split(found.lengths)
    scores = iter([RolloutScores(*pair) for pair in zip(found.of_targets(logprobs), spread, strict=True)])
    return [[next(scores) for _ in own] for own in rollouts]

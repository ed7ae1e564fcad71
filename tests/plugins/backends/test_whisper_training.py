"""What training needs of Whisper: windows, groups, labels, log-probabilities and rollouts."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from pydantic import ValidationError

from megaasr import Audio, DecodingOptions, PolicyBackend, Sampling, Utterance
from megaasr_core.base.errors import BackendError
from megaasr_core.contracts.abilities import TrainableBackend
from megaasr_plugins.backends import whisper_generation
from megaasr_plugins.backends.whisper import Whisper
from megaasr_plugins.backends.whisper_encoder import encode, log_mel
from megaasr_plugins.backends.whisper_sampling import Sampler
from megaasr_plugins.backends.whisper_training import IGNORED
from megaasr_plugins.backends.whisper_windows import window_of

GROUPS = ("encoder", "aligner", "llm")
SAMPLING = Sampling(temperature=1.5, top_k=50)
FEW = DecodingOptions(min_tokens=8, tokens_per_second=0.5)


@pytest.fixture(scope="module")
def tiny():
    backend = Whisper()
    backend.load()
    return backend


def tone(seconds, hz=300.0):
    times = np.arange(int(16_000 * seconds)) / 16_000
    audio = Audio((0.1 * np.sin(2 * np.pi * hz * times)).astype(np.float32), 16_000, f"{hz:g}.wav")
    return Utterance(audio, id=f"{hz:g} Hz, {seconds:g} s")


def test_the_groups_are_all_linear_modules_once(tiny):
    groups = tiny.module_groups()
    assert tuple(groups) == GROUPS
    assert isinstance(tiny, TrainableBackend)
    assert isinstance(tiny, PolicyBackend)
    named = [name for names in groups.values() for name in names]
    linear = {
        name
        for name, module in tiny.network.named_modules()
        if isinstance(module, torch.nn.Linear) and name != "proj_out"
    }
    assert len(named) == len(set(named))
    assert set(named) == linear
    layers = tiny.network.config.encoder_layers
    assert [len(groups[group]) for group in GROUPS] == [6 * layers, 4 * layers, 6 * layers]


def test_a_window_of_30_s_is_transformers_own_bit_for_bit(tiny):
    with torch.inference_mode():
        features = log_mel(tiny._processor, [tone(2.0)], 30.0)
        theirs = tiny.network.get_encoder()(features).last_hidden_state
        ours = encode(tiny.network, features)
        shorter = encode(tiny.network, features[..., :1500])
    assert torch.equal(ours, theirs)
    assert shorter.shape == (1, 750, 384)


def test_the_window_goes_by_each_utterances_own_length(tiny):
    batch = [tone(1.0), tone(15.0), tone(15.1)]
    assert [window_of(audio, 15.0).duration_s for audio in batch] == [15.0, 15.0, 30.0]
    together = tiny.transcribe(batch, FEW)
    alone = [tiny.transcribe([audio], FEW)[0] for audio in batch]
    assert [one.text for one in together] == [one.text for one in alone]


def test_labels_are_the_targets_and_nothing_else(tiny):
    texts = ["Good morning.", "Yes"]
    batch = tiny.collate([(tone(1.0), texts[0]), (tone(2.0), texts[1])])
    tokenizer = tiny._processor.tokenizer
    end = tiny.network.generation_config.eos_token_id
    assert batch["input_features"].shape == (2, 80, 1500)
    for row, text in enumerate(texts):
        targets = batch["labels"][row][batch["labels"][row] != IGNORED]
        assert targets[-1] == end
        assert tokenizer.decode(targets[:-1]).strip() == text
        # Each target is predicted at the place before it stands in the decoder's input.
        places = torch.nonzero(batch["labels"][row] != IGNORED).squeeze(1)
        assert torch.equal(batch["decoder_input_ids"][row][places[1:]], targets[:-1])


def test_padding_changes_no_log_probability(tiny):
    pairs = [(tone(1.0), "Good morning to all of you."), (tone(2.0, 200.0), "Yes")]
    with torch.no_grad():
        together = tiny.log_probabilities(pairs)
        alone = [tiny.log_probabilities([pair])[0] for pair in pairs]
    for one, other in zip(together, alone, strict=True):
        assert one.shape == other.shape
        torch.testing.assert_close(one, other, atol=1e-3, rtol=1e-4)


def test_log_probabilities_are_those_that_decoding_reports(tiny):
    """The score of a decoded text, teacher-forced, is the mean log-probability that `transcribe` gave."""
    audio = tone(3.0, 440.0)
    heard = tiny.transcribe([audio], DecodingOptions())[0]
    if heard.truncated:
        pytest.fail("the tone must decode to its end for this test; choose another")
    with torch.no_grad():
        scored = tiny.log_probabilities([(audio, heard.text)])[0]
    assert scored.shape == (heard.num_tokens,)
    assert float(scored.mean()) == pytest.approx(heard.mean_logprob, abs=1e-3)


def test_gradients_reach_every_group(tiny):
    groups = tiny.module_groups()
    network = tiny.network
    wanted = [f"{names[0]}.weight" for names in groups.values()]
    parameters = dict(network.named_parameters())
    try:
        torch.cat(tiny.log_probabilities([(tone(1.0), "Good morning.")])).mean().backward()
        assert all(float(parameters[name].grad.abs().max()) > 0.0 for name in wanted)
    finally:
        network.zero_grad(set_to_none=True)


def drawn(backend, batch, num_rollouts=3, sampling=SAMPLING, seed=3, **key):
    rollouts = backend.sample(batch, num_rollouts, FEW, sampling, seed=seed, **key)
    return {utterance.id: [one.token_ids for one in rows] for utterance, rows in zip(batch, rollouts, strict=True)}


def test_rollouts_depend_on_their_key_alone(tiny):
    """Not on the rest of the batch, its order, the number of rollouts, or torch's generator, which stays as it is."""
    one, other, long = tone(1.0), tone(2.0, 200.0), tone(15.1, 250.0)
    state = torch.get_rng_state()
    rollouts = drawn(tiny, [one, other, long])
    assert torch.equal(torch.get_rng_state(), state)
    assert len({tokens for rows in rollouts.values() for tokens in rows}) > 4
    torch.manual_seed(5)
    assert drawn(tiny, [other, long, one]) == rollouts
    assert drawn(tiny, [other]) == {other.id: rollouts[other.id]}
    assert drawn(tiny, [one], num_rollouts=2) == {one.id: rollouts[one.id][:2]}
    assert drawn(tiny, [one], step=1) != drawn(tiny, [one])
    assert drawn(tiny, [one], seed=4) != drawn(tiny, [one])
    torch.set_rng_state(state)


def test_the_rounds_of_decoding_change_no_rollout(tiny, monkeypatch):
    rollouts = drawn(tiny, [tone(1.0), tone(2.0, 200.0)])
    monkeypatch.setattr(whisper_generation, "ROUND_TOKENS", 3)
    assert drawn(tiny, [tone(1.0), tone(2.0, 200.0)]) == rollouts


def test_the_log_probabilities_of_a_rollout_are_those_of_the_policy_that_drew_it(tiny):
    """Recomputed from the network's own logits: at temperature 1 the model's, at 2 those of its logits over 2."""
    own = tiny.network.generation_config
    for temperature in (1.0, 2.0):
        sampling = Sampling(temperature=temperature)
        ((rollout,),) = tiny.sample([tone(1.0)], 1, FEW, sampling, seed=1)
        assert len(rollout.token_logprobs) == len(rollout.token_ids) == rollout.num_tokens
        prompt = [own.decoder_start_token_id, own.no_timestamps_token_id]
        with torch.no_grad():
            hidden = encode(tiny.network, log_mel(tiny._processor, [tone(1.0)], 15.0))
            inputs = torch.tensor([[*prompt, *rollout.token_ids[:-1]]])
            logits = tiny.network(encoder_outputs=(hidden,), decoder_input_ids=inputs).logits[0, 1:].float()
        logits[:, own.suppress_tokens] = -torch.inf
        logits[0, own.begin_suppress_tokens] = -torch.inf
        expected = (logits / temperature).log_softmax(-1)[range(len(rollout.token_ids)), rollout.token_ids]
        assert rollout.token_logprobs == pytest.approx(expected.tolist(), abs=2e-3)


def test_rollouts_are_scored_as_they_were_drawn(tiny):
    """Without changes of the distribution, up to the tokens that decoding suppresses; entropies of the same logits."""
    batch = [tone(1.0), tone(2.0, 200.0)]
    drawn = tiny.sample(batch, 2, FEW, Sampling(), seed=7)
    tokens = [[rollout.token_ids for rollout in own] for own in drawn]
    scores = tiny.score_rollouts(batch, tokens, entropies=True)
    alone = tiny.score_rollouts(batch[1:], tokens[1:])
    torch.testing.assert_close(scores[1][1].logprobs, alone[0][1].logprobs, atol=1e-4, rtol=1e-4)
    assert alone[0][0].entropies is None
    for own, given in zip(scores, drawn, strict=True):
        for one, rollout in zip(own, given, strict=True):
            assert one.logprobs.requires_grad
            assert not one.entropies.requires_grad
            assert one.logprobs.shape == one.entropies.shape == (rollout.num_tokens,)
            assert float(one.entropies.min()) >= 0.0
            # Suppression leaves less for the others, so that what was drawn was likelier than the model has it.
            assert all(
                mine <= drawn_at + 1e-3
                for mine, drawn_at in zip(one.logprobs.tolist(), rollout.token_logprobs, strict=True)
            )
    cold = tiny.score_rollouts(batch[:1], tokens[:1], temperature=0.5, entropies=True)
    assert float(cold[0][0].entropies.mean()) < float(scores[0][0].entropies.mean())


def test_only_what_sampling_leaves_is_drawn(tiny):
    """With the most probable token alone, a rollout is the greedy transcript, whatever the temperature."""
    greedy = tiny.transcribe([tone(1.0)], FEW)[0]
    for sampling in (Sampling(top_k=1, temperature=3.0), Sampling(top_p=1e-6, temperature=3.0)):
        ((rollout,),) = tiny.sample([tone(1.0)], 1, FEW, sampling, seed=1)
        assert rollout.token_ids == greedy.token_ids
        assert rollout.text == greedy.text
        beams = FEW.model_copy(update={"num_beams": 3})  # take no part
        assert tiny.sample([tone(1.0)], 1, beams, sampling, seed=1)[0][0].token_ids == greedy.token_ids
    with pytest.raises(ValidationError, match="temperature"):
        Sampling(temperature=0.0)


def test_tokens_are_drawn_as_often_as_they_are_probable():
    """Over 4000 keys, the frequencies of four tokens lie within four standard errors of their probabilities."""
    probabilities = torch.tensor([0.5, 0.3, 0.15, 0.05])
    sampler = Sampler(Sampling(), [str(number) for number in range(4000)], 1, 0, 0)
    sampler.begin(1, 1)
    (process,) = sampler.processors(range(4000))
    chosen = process(torch.zeros(4000, 1, dtype=torch.long), probabilities.log().repeat(4000, 1)).argmax(-1)
    shares = torch.bincount(chosen, minlength=4) / 4000
    assert torch.all((shares - probabilities).abs() < 4 * (probabilities * (1 - probabilities) / 4000).sqrt())


def test_the_distribution_is_the_written_out_one():
    """Penalty, temperature, the three most probable tokens, and of these those of 90 % together, in this order."""
    logits = torch.tensor([2.0, -1.0, 3.0, 0.5, 2.5])
    penalised = torch.tensor([2.0, -1.2, 3.0, 0.5, 2.5 / 1.2]) / 0.8  # tokens 1 and 4 are there already
    best = penalised.topk(3).values.softmax(0)  # of 2, 4, 0: .60, .19, .17 and a little
    assert best[:2].sum() < 0.9 < best.sum()
    expected = {token: float(best[place].log()) for place, token in enumerate((2, 4, 0))}
    sampler = Sampler(
        Sampling(repetition_penalty=1.2, temperature=0.8, top_k=3, top_p=0.9), list("abcdefghij"), 20, 0, 0
    )
    sampler.begin(2, 1)
    (process,) = sampler.processors(range(200))
    drawn = process(torch.tensor([[1, 4]]).expand(200, 2), logits.repeat(200, 1)).argmax(-1).tolist()
    assert set(drawn) == {0, 2, 4}
    assert [row[0] for row in sampler.logprobs] == pytest.approx([expected[token] for token in drawn], abs=1e-6)


def test_a_target_that_does_not_fit_is_one_line(tiny):
    with pytest.raises(BackendError, match=r"a target has .* tokens, at most 445 fit"):
        tiny.collate([(tone(1.0), "word " * 500)])

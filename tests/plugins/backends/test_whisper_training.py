"""What training needs of Whisper: windows, groups, labels, log-probabilities and rollouts."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from megaasr import Audio, DecodingOptions
from megaasr_core.base.errors import BackendError
from megaasr_core.contracts.trainable import GROUPS, TrainableBackend
from megaasr_plugins.backends.whisper import Whisper
from megaasr_plugins.backends.whisper_encoder import encode, log_mel
from megaasr_plugins.backends.whisper_training import IGNORED


@pytest.fixture(scope="module")
def tiny():
    backend = Whisper()
    backend.load()
    return backend


def tone(seconds, hz=300.0):
    times = np.arange(int(16_000 * seconds)) / 16_000
    return Audio((0.1 * np.sin(2 * np.pi * hz * times)).astype(np.float32), 16_000, f"{hz:g}.wav")


def test_the_groups_are_all_linear_modules_once(tiny):
    groups = tiny.module_groups()
    assert tuple(groups) == GROUPS
    assert isinstance(tiny, TrainableBackend)
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
    assert [tiny._window_s(audio) for audio in batch] == [15.0, 15.0, 30.0]
    together = tiny.transcribe(batch, DecodingOptions())
    alone = [tiny.transcribe([audio], DecodingOptions())[0] for audio in batch]
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


def test_rollouts_differ_and_repeat_with_the_generator(tiny):
    audio = [tone(1.0), tone(2.0, 200.0)]
    sampling = {"temperature": 1.5, "top_k": 50}

    def rollouts():
        with torch.random.fork_rng():
            torch.manual_seed(3)
            return tiny.sample(audio, 4, DecodingOptions(), sampling)

    found = rollouts()
    assert [len(rows) for rows in found] == [4, 4]
    assert len({one.text for rows in found for one in rows}) > 1
    assert [[one.text for one in rows] for rows in rollouts()] == [[one.text for one in rows] for rows in found]


def test_a_target_that_does_not_fit_is_one_line(tiny):
    with pytest.raises(BackendError, match=r"a target has .* tokens, at most 445 fit"):
        tiny.collate([(tone(1.0), "word " * 500)])

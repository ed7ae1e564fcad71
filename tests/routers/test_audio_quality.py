"""The router audio_quality: what it hears, that neighbours change nothing, and which files it takes."""

import copy
import json
import os
import subprocess
import sys

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors.torch import load_file, save_file
from torch import nn
from transformers.audio_utils import mel_filter_bank

from megaasr import Audio, Utterance
from megaasr_core.base.errors import AdapterError, ParameterError
from megaasr_core.testing import cases, plugins_of
from megaasr_routers.audio_quality import AudioQuality
from megaasr_routers.audio_quality.features import log_mel, mel_filters, pad_batch
from megaasr_routers.audio_quality.files import read_router, write_router
from megaasr_routers.audio_quality.inference import logits_of
from megaasr_routers.audio_quality.network import NetworkSettings
from tests.routers.quality import SMALL, lively_router, noise_clip, reference_tensors, speech_clip, write_reference


@pytest.fixture(scope="module")
def weights(tmp_path_factory):
    path = tmp_path_factory.mktemp("router") / "audio_quality.safetensors"
    write_router(path, lively_router(temperature=1.5, threshold=0.4))
    return path


CASES = cases("router:audio_quality", plugins=plugins_of(AudioQuality))


@pytest.mark.parametrize("name", [case.name for case in CASES])
def test_conformance(name, weights):
    chosen = cases("router:audio_quality", plugins=plugins_of(AudioQuality), parameters={"weights": weights})
    next(case for case in chosen if case.name == name)()


def plain_features(samples):
    """Log-mel of one clip by torch.stft and transformers' filters; shape (frames, 80)."""
    spectrum = torch.stft(
        torch.from_numpy(samples), 400, 160, window=torch.hann_window(400), pad_mode="reflect", return_complex=True
    )
    filters = torch.from_numpy(mel_filter_bank(201, 80, 0, 8000, 16_000, norm="slaney", mel_scale="slaney")).float()
    mel = spectrum.abs().square().T @ filters
    return (torch.log10(torch.clamp(mel, min=1e-10)) + 4) / 4


def plain_logits(tensors, samples, heads=4):
    """The reference's network over one clip, written with torch's own layers."""
    state = {name: tensor.float() for name, tensor in tensors.items()}
    hidden = plain_features(samples).T[None]
    for place in (0, 4):
        name = f"frontend.conv.{place}"
        hidden = nn.functional.conv1d(hidden, state[f"{name}.weight"], state[f"{name}.bias"], stride=2, padding=1)
        name = f"frontend.conv.{place + 1}"
        hidden = nn.functional.batch_norm(
            hidden,
            *(state[f"{name}.{part}"] for part in ("running_mean", "running_var", "weight", "bias")),
        )
        hidden = nn.functional.gelu(hidden)
    hidden = hidden.transpose(1, 2)
    hidden = hidden + state["pos_encoder.pe"][:, : hidden.shape[1]]
    width, ffn = hidden.shape[2], len(state["transformer.layers.0.linear1.bias"])
    layer = nn.TransformerEncoderLayer(width, heads, ffn, activation="gelu", batch_first=True, norm_first=True)
    encoder = nn.TransformerEncoder(layer, 1, nn.LayerNorm(width), enable_nested_tensor=False).eval()
    prefix = "transformer."
    encoder.load_state_dict({name[len(prefix) :]: one for name, one in state.items() if name.startswith(prefix)})
    with torch.no_grad():
        hidden = encoder(hidden)[0]
    score = hidden @ state["pooling.query.weight"][0] + state["pooling.query.bias"]
    pooled = score.softmax(0) @ hidden
    inner = nn.functional.gelu(state["classifier.0.weight"] @ pooled + state["classifier.0.bias"])
    return state["classifier.3.weight"] @ inner + state["classifier.3.bias"]


def test_the_mel_filters_are_slaneys():
    other = mel_filter_bank(201, 80, 0, 8000, 16_000, norm="slaney", mel_scale="slaney")
    np.testing.assert_allclose(mel_filters(80).numpy(), other, atol=1e-7)


@pytest.mark.parametrize("num_samples", [201, 1_600, 16_001])
def test_the_features_are_the_references(num_samples):
    clip = noise_clip(num_samples)
    features, frames = log_mel(*pad_batch([clip]))
    assert features.shape == (1, num_samples // 160 + 1, 80)
    assert frames.tolist() == [num_samples // 160 + 1]
    torch.testing.assert_close(features[0], plain_features(clip.samples), atol=1e-4, rtol=0)


def test_features_of_nothing_are_silence():
    features, frames = log_mel(*pad_batch([Audio(np.zeros(0, np.float32), 16_000)]))
    assert frames.tolist() == [1]
    assert features.unique().tolist() == [-1.5]


def test_half_a_minute_is_heard_and_no_more():
    long = noise_clip(3 * 8_000 * 11, rate=8_000)
    assert pad_batch([long])[1].tolist() == [33 * 16_000 - 3 * 16_000]
    router = lively_router()
    cut = long.cut(0, 30 * 8_000)
    np.testing.assert_array_equal(logits_of(router, [long]), logits_of(router, [cut]))


@settings(max_examples=25)
@given(
    lengths=st.lists(st.integers(0, 40_000), min_size=2, max_size=5),
    shape=st.sampled_from([(2, "linear"), (4, "mlp")]),
)
def test_neighbours_change_nothing(lengths, shape):
    router = lively_router(NetworkSettings(hidden=32, heads=2, ffn=48, downsampling=shape[0], head=shape[1]))
    clips = [noise_clip(length, seed) for seed, length in enumerate(lengths)]
    together = logits_of(router, clips)
    alone = np.concatenate([logits_of(router, [clip]) for clip in clips])
    np.testing.assert_allclose(together, alone, atol=2e-5)
    np.testing.assert_allclose(logits_of(router, clips[::-1])[::-1], together, atol=2e-5)


def test_padding_changes_nothing_in_training_either():
    network = lively_router(NetworkSettings(hidden=32, heads=2, ffn=48, dropout=0.0)).network
    features, frames = log_mel(*pad_batch([noise_clip(9_000, 1), noise_clip(16_000, 2)]))
    padded = torch.cat([features, torch.full((2, 37, 80), 5.0)], dim=1)
    found = []
    for given_features in (features, padded):
        copied = copy.deepcopy(network).train()
        found.append((copied(given_features, frames), copied.frontend.conv[5].running_var))
    torch.testing.assert_close(found[0], found[1], atol=1e-5, rtol=0)
    assert not torch.equal(found[0][1], network.frontend.conv[5].running_var)


@pytest.mark.parametrize("num_samples", [1_000, 16_000, 160_000])
def test_a_file_in_the_references_form_gives_the_same_numbers(tmp_path, num_samples):
    tensors = reference_tensors()
    path = write_reference(tmp_path / "best_acc_model.safetensors", tensors)
    clips = [noise_clip(num_samples, 1), noise_clip(num_samples + 7_777, 2)]
    expected = torch.stack([plain_logits(tensors, clip.samples) for clip in clips])
    read = read_router(tmp_path)
    assert (read.temperature, read.threshold, read.network.settings.layers) == (1.0, 0.5, 1)
    np.testing.assert_allclose(logits_of(read, clips), expected.numpy(), atol=1e-4)
    routes = AudioQuality(weights=path).route([Utterance(clip) for clip in clips])
    chances = expected.softmax(1)[:, 1].tolist()
    assert [route.probability for route in routes] == pytest.approx(chances, abs=1e-4)
    assert [route.adapter for route in routes] == ["robust" if chance >= 0.5 else None for chance in chances]


def test_the_published_sizes_fit(tmp_path):
    tensors = reference_tensors(hidden=256, ffn=1024)
    # what others counted in the published file
    assert (len(tensors), sum(tensor.numel() for tensor in tensors.values())) == (35, 1_172_229)
    path = write_reference(tmp_path / "big.safetensors", tensors, d_model=256, dim_feedforward=1024)
    found = read_router(path).network
    assert found.settings == NetworkSettings(80, 256, 4, 1024, 1, 850, 0.1, 4, "mlp")


def test_what_is_written_is_read_again(tmp_path, weights):
    router = read_router(weights)
    assert (router.temperature, router.threshold, router.network.settings) == (1.5, 0.4, SMALL)
    clips = [noise_clip(9_000, 3), speech_clip(1)]
    original = lively_router()
    np.testing.assert_array_equal(logits_of(router, clips), logits_of(original, clips))
    write_router(tmp_path / "again.safetensors", router)
    assert (tmp_path / "again.safetensors").read_bytes() == weights.read_bytes()
    assert {name.split(".")[0] for name in load_file(weights)} == {
        "frontend",
        "transformer",
        "pooling",
        "classifier",
    }


def test_temperature_and_threshold_decide(weights):
    clips = [speech_clip(number, snr_db) for number in range(6) for snr_db in (None, 0.0)]
    router = AudioQuality(weights=weights)
    logits = logits_of(read_router(weights), clips)
    expected = 1 / (1 + np.exp(-(logits[:, 1] - logits[:, 0]) / 1.5))
    np.testing.assert_allclose(
        [route.probability for route in router.route([Utterance(clip) for clip in clips])], expected, atol=1e-6
    )
    assert [route.adapter for route in router.route([Utterance(clip) for clip in clips])] == [
        "robust" if p >= 0.4 else None for p in expected
    ]
    chances = router.probabilities(clips)
    at = sorted(chances)[len(chances) // 2]  # one that is met exactly
    own = AudioQuality(weights=weights, threshold=at, adapter="mine").route([Utterance(clip) for clip in clips])
    assert [route.adapter for route in own] == ["mine" if chance >= at else None for chance in chances]
    assert sum(route.adapter is None for route in own) == len(clips) // 2
    assert own[0].reason.split(":")[0] in {"clean", "degraded"}


def config_of(path):
    from safetensors import safe_open

    with safe_open(path, "pt") as file:
        return json.loads(file.metadata()["config"])


def broken_files():
    def tensors(change):
        def make(path, weights):
            found = load_file(weights)
            change(found)
            save_file(found, path, {"config": json.dumps(config_of(weights))})

        return make

    def config(change):
        def make(path, weights):
            found = config_of(weights)
            change(found)
            save_file(load_file(weights), path, {"config": json.dumps(found)})

        return make

    def text(metadata):
        return lambda path, weights: save_file(load_file(weights), path, metadata)

    bias, norm = "classifier.bias", "transformer.norm.weight"
    return {
        "cannot be read as safetensors": lambda path, weights: path.write_bytes(b"pickle?"),
        "cannot be read": lambda path, weights: path.write_bytes(weights.read_bytes()[:5_000]),
        "holds no 'config'": text(None),
        "config is not JSON": text({"config": "{"}),
        "an object with an object 'model'": text({"config": "[]"}),
        "lacks the tensor classifier.bias": tensors(lambda found: found.pop(bias)),
        "lacks the tensor transformer.norm.weight": tensors(lambda found: found.pop(norm)),
        "extra is not a tensor of this network": tensors(lambda found: found.update(extra=torch.zeros(1))),
        r"classifier.bias has shape \(3,\); \(2,\) is expected": tensors(
            lambda found: found.update({bias: torch.zeros(3)})
        ),
        r"transformer.norm.weight has shape \(1, 32\); 1 axes": tensors(
            lambda found: found.update({norm: torch.zeros(1, 32)})
        ),
        "classifier.bias holds NaN": tensors(lambda found: found.update({bias: torch.tensor([0.0, float("nan")])})),
        "says d_model 64, its tensors 32": config(lambda found: found["model"].update(d_model=64)),
        "not an even multiple of nhead 5": config(lambda found: found["model"].update(nhead=5)),
        "model.nhead: Input should be a valid integer": config(lambda found: found["model"].update(nhead="4")),
        "model.pooling is 'mean'": config(lambda found: found["model"].update(pooling="mean")),
        "router.temperature: Field required": config(lambda found: found["router"].pop("temperature")),
        "router.temperature: Input should be greater": config(lambda found: found["router"].update(temperature=0)),
        "router.speed: Extra inputs": config(lambda found: found["router"].update(speed=1)),
        "router.version: Input should be 1": config(lambda found: found["router"].update(version=2)),
        "made for features 'htk'": config(lambda found: found["router"].update(features="htk")),
        "positions are too few": config(lambda found: found["router"].update(positions=100)),
        "router.router: Input should be": config(lambda found: found.update(router=[])),
    }


BROKEN = broken_files()


@pytest.mark.parametrize("message", BROKEN)
def test_a_broken_file_is_one_line(tmp_path, weights, message):
    path = tmp_path / "broken.safetensors"
    BROKEN[message](path, weights)
    with pytest.raises(AdapterError, match=message) as caught:
        AudioQuality(weights=path).route([Utterance(noise_clip(100))])
    assert "\n" not in str(caught.value)
    assert str(path) in str(caught.value)


def test_missing_files_are_one_line(tmp_path, monkeypatch):
    with pytest.raises(AdapterError, match="no such router file"):
        AudioQuality(weights=tmp_path / "none.safetensors").route([Utterance(noise_clip(100))])
    with pytest.raises(AdapterError, match="holds neither"):
        AudioQuality(weights=tmp_path).route([Utterance(noise_clip(100))])
    monkeypatch.setattr("megaasr_routers.audio_quality.files_of", lambda package: tmp_path)
    with pytest.raises(ParameterError, match="no weights are packaged"):
        AudioQuality().route([Utterance(noise_clip(100))])


def test_settings_are_bounded():
    with pytest.raises(ParameterError, match=r"threshold = 1\.5"):
        AudioQuality.create({"threshold": 1.5})
    with pytest.raises(ParameterError, match="did you mean 'weights'"):
        AudioQuality.create({"weight": "x"})


def test_reading_keeps_the_global_random_state(weights):
    before = torch.get_rng_state()
    read_router(weights)
    assert torch.equal(before, torch.get_rng_state())


def test_the_plugin_is_listed_without_torch():
    code = (
        "import sys; import megaasr_routers.audio_quality, megaasr_routers.audio_quality.training; "
        "sys.exit('torch' in sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True, env={**os.environ, "PYTHONWARNINGS": "error"})

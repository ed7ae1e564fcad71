"""Renaming a CTranslate2 Whisper to transformers' names: nothing lost, nothing invented, nothing changed."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from megaasr_core.base.errors import BackendError
from megaasr_plugins.backends.ctranslate2_file import Ctranslate2Model
from megaasr_plugins.backends.ctranslate2_weights import whisper_weights

Variables = dict[str, NDArray[Any]]
TIED = {"decoder/projection/weight": "decoder/embeddings/weight"}
WIDTH, HEADS, FFN, MELS, VOCABULARY = 6, 3, 10, 5, 11
BLOCKS = {  # joined projection -> transformers' projections, in row order
    "self_attention/linear_0": ["self_attn.q_proj", "self_attn.k_proj", "self_attn.v_proj"],
    "self_attention/linear_1": ["self_attn.out_proj"],
    "attention/linear_0": ["encoder_attn.q_proj"],
    "attention/linear_1": ["encoder_attn.k_proj", "encoder_attn.v_proj"],
    "attention/linear_2": ["encoder_attn.out_proj"],
    "ffn/linear_0": ["fc1"],
    "ffn/linear_1": ["fc2"],
}


def small_network() -> Any:
    import torch
    from transformers import WhisperConfig, WhisperForConditionalGeneration

    config = WhisperConfig(
        vocab_size=VOCABULARY,
        d_model=WIDTH,
        num_mel_bins=MELS,
        encoder_layers=2,
        decoder_layers=1,
        encoder_attention_heads=HEADS,
        decoder_attention_heads=HEADS,
        encoder_ffn_dim=FFN,
        decoder_ffn_dim=FFN + 1,
        max_source_positions=7,
        max_target_positions=9,
        pad_token_id=0,
        bos_token_id=1,
        eos_token_id=2,
        decoder_start_token_id=3,
    )
    network = WhisperForConditionalGeneration(config)
    with torch.no_grad():
        for parameter in network.parameters():
            values = np.random.default_rng(parameter.numel()).standard_normal(tuple(parameter.shape))
            parameter.copy_(torch.from_numpy(values))
    return network


def joined(state: Variables) -> Variables:
    """The variables CTranslate2 keeps of a transformers Whisper, written down from its converter's conventions."""
    settings = {"alibi": 0, "pre_norm": 1, "scale_embeddings": 0, "start_from_zero_embedding": 0, "activation": 3}
    out: Variables = {f"decoder/{name}": np.array(value, np.int8) for name, value in settings.items()}
    out |= {f"decoder/{name}": np.array(1, np.int16) for name in ("alignment_heads", "alignment_layer")}
    out["decoder/embeddings/weight"] = state["model.decoder.embed_tokens.weight"]
    for part in ("conv1.weight", "conv1.bias", "conv2.weight", "conv2.bias"):
        out[f"encoder/{part.replace('.', '/')}"] = state[f"model.encoder.{part}"]
    for side, layers in (("encoder", 2), ("decoder", 1)):
        out[f"{side}/num_heads"] = np.array(HEADS, np.int16)
        out[f"{side}/position_encodings/encodings"] = state[f"model.{side}.embed_positions.weight"]
        norms = {f"{side}/layer_norm": f"model.{side}.layer_norm"}
        for index in range(layers):
            here, there = f"{side}/layer_{index}", f"model.{side}.layers.{index}"
            norms[f"{here}/self_attention/layer_norm"] = f"{there}.self_attn_layer_norm"
            norms[f"{here}/ffn/layer_norm"] = f"{there}.final_layer_norm"
            if side == "decoder":
                norms[f"{here}/attention/layer_norm"] = f"{there}.encoder_attn_layer_norm"
            for name, parts in BLOCKS.items():
                if side == "encoder" and name.startswith("attention"):
                    continue
                weights = [state[f"{there}.{part}.weight"] for part in parts]
                zeros = np.zeros(WIDTH, weights[0].dtype)
                out[f"{here}/{name}/weight"] = np.concatenate(weights)
                out[f"{here}/{name}/bias"] = np.concatenate([state.get(f"{there}.{p}.bias", zeros) for p in parts])
        for source, target in norms.items():
            out[f"{source}/gamma"], out[f"{source}/beta"] = state[f"{target}.weight"], state[f"{target}.bias"]
    return out


@pytest.fixture(scope="module")
def network() -> Any:
    return small_network()


@pytest.fixture
def variables(network: Any) -> Variables:
    return joined({name: tensor.numpy().copy() for name, tensor in network.state_dict().items()})


def model(variables: Variables, spec: str = "WhisperSpec", revision: int = 3) -> Ctranslate2Model:
    return Ctranslate2Model("m", spec, revision, variables, TIED)


def test_every_weight_comes_back_under_its_name(network: Any, variables: Variables) -> None:
    weights = whisper_weights(model(variables))
    state = network.state_dict()
    assert set(weights.tensors) == set(state) - {"proj_out.weight"}
    for name, values in weights.tensors.items():
        assert values.tobytes() == state[name].numpy().tobytes()
    for name, size in weights.sizes.items():
        assert getattr(network.config, name) == size
    assert len(weights.sizes) == 11


def test_the_values_keep_their_type(variables: Variables) -> None:
    half = {name: v.astype(np.float16) if v.dtype.kind == "f" else v for name, v in variables.items()}
    assert {v.dtype for v in whisper_weights(model(half)).tensors.values()} == {np.dtype(np.float16)}


def test_settings_of_newer_files_without_effect_are_taken(variables: Variables) -> None:
    variables |= {f"decoder/{n}": np.array(0, np.int8) for n in ("scale_alibi", "alibi_use_positive_positions")}
    assert whisper_weights(model(variables)).tensors


def set_value(name: str, index: Any, value: float) -> Callable[[Variables], object]:
    def change(variables: Variables) -> None:
        variables[name] = variables[name].copy()
        variables[name][index] = value

    return change


QKV = "encoder/layer_1/self_attention/linear_0"
KV = "decoder/layer_0/attention/linear_1"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (set_value(f"{QKV}/bias", WIDTH, 1e-7), f"{QKV} has a key bias that is not zero"),
        (set_value(f"{KV}/bias", WIDTH - 1, np.nan), f"{KV} has a key bias that is not zero"),
        (set_value("decoder/activation", (), 0), "decoder/activation is 0, not 3"),
        (set_value("decoder/pre_norm", (), 0), "decoder/pre_norm is 0, not 1"),
        (set_value("encoder/num_heads", (), 4), "encoder has 2 layers and 4 heads"),
        (lambda v: v.pop("encoder/conv2/bias"), "encoder/conv2/bias is missing"),
        (lambda v: v.pop("decoder/layer_0/ffn/layer_norm/beta"), "layer_norm/beta is missing"),
        (lambda v: v.update({"decoder/layer_2/x": np.zeros(1, "<f4")}), "1 variables are left over, such as .*layer_2"),
        (lambda v: v.update({f"{QKV}/weight_scale": np.zeros(1, "<f4")}), "left over, such as .*weight_scale"),
        (lambda v: v.update({f"{QKV}/weight": np.zeros((3 * WIDTH, WIDTH), "i1")}), f"{QKV}/weight has type int8"),
        (lambda v: v.update({f"{QKV}/weight": v[f"{QKV}/weight"][:-1]}), "for 3 projections"),
        (lambda v: v.update({f"{QKV}/bias": v[f"{QKV}/bias"][:-1]}), "for 3 projections"),
        (lambda v: v.update({"decoder/num_heads": np.array([3], np.int16)}), r"shape \(1,\), a scalar is expected"),
    ],
)
def test_what_cannot_be_carried_over_is_refused(
    variables: Variables, change: Callable[[Variables], object], message: str
) -> None:
    change(variables)
    with pytest.raises(BackendError, match=message) as caught:
        whisper_weights(model(variables))
    assert "\n" not in str(caught.value)


def test_minus_zero_is_a_zero_key_bias(variables: Variables) -> None:
    set_value(f"{KV}/bias", slice(0, WIDTH), -0.0)(variables)
    assert whisper_weights(model(variables)).tensors


def test_another_kind_of_model_is_refused(variables: Variables) -> None:
    with pytest.raises(BackendError, match="TransformerSpec of revision 7"):
        whisper_weights(model(variables, "TransformerSpec", 7))
    with pytest.raises(BackendError, match="its aliases are"):
        whisper_weights(Ctranslate2Model("m", "WhisperSpec", 3, variables, {}))

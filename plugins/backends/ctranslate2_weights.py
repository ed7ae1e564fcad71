"""Converts the tensors of a CTranslate2 Whisper model to the names of transformers, without changing a value.

CTranslate2 concatenates the query, key and value projections of an attention into one matrix along the rows, so the
conversion splits this matrix; nothing is computed, and the values keep their type. Source: the network of
WhisperForConditionalGeneration, and the variables of CTranslate2's WhisperSpec (revision 3).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from megaasr import BackendError

from .ctranslate2_file import Ctranslate2Model, Tensor

_WHISPER_REVISION = 3
_TIED = ("decoder/projection/weight", "decoder/embeddings/weight")
# Settings that WhisperForConditionalGeneration implements; other values would mean another network.
_FIXED = {
    "decoder/activation": 3,  # GELU
    "decoder/alibi": 0,
    "decoder/pre_norm": 1,
    "decoder/scale_embeddings": 0,
    "decoder/start_from_zero_embedding": 0,
}
# Settings of alignment and of ALiBi (which is off) have no effect here; some releases of CTranslate2 omit some of them.
_NO_EFFECT = (
    "decoder/alignment_heads",
    "decoder/alignment_layer",
    "decoder/alibi_use_positive_positions",
    "decoder/scale_alibi",
)
_NORMS = {"self_attention": "self_attn_layer_norm", "attention": "encoder_attn_layer_norm", "ffn": "final_layer_norm"}
_LINEARS = {
    "self_attention/linear_0": ("self_attn.q_proj", "self_attn.k_proj", "self_attn.v_proj"),
    "self_attention/linear_1": ("self_attn.out_proj",),
    "attention/linear_0": ("encoder_attn.q_proj",),
    "attention/linear_1": ("encoder_attn.k_proj", "encoder_attn.v_proj"),
    "attention/linear_2": ("encoder_attn.out_proj",),
    "ffn/linear_0": ("fc1",),
    "ffn/linear_1": ("fc2",),
}


@dataclass(frozen=True)
class WhisperWeights:
    """Tensors by the names of WhisperForConditionalGeneration (proj_out is tied), and the sizes of WhisperConfig."""

    tensors: dict[str, Tensor]
    sizes: dict[str, int]


def whisper_weights(model: Ctranslate2Model) -> WhisperWeights:
    """Rename the tensors of a CTranslate2 Whisper to those of transformers' WhisperForConditionalGeneration.

    Every variable is used once; the values keep their type (float16 stays float16). The key projections of transformers
    have no bias, so the key biases in the file, which CTranslate2 fills with zeros, must be zero.

    Raises:
        BackendError: another spec, a missing or unknown variable (as in a quantised model), a non-zero key bias, an
            output projection that is not tied to the embedding, or a setting that transformers does not implement.
    """
    return _Renamer(model).run()


class _Renamer:
    def __init__(self, model: Ctranslate2Model) -> None:
        self.model = model
        self.left = dict(model.variables)
        self.tensors: dict[str, Tensor] = {}

    def fault(self, what: str) -> BackendError:
        return BackendError(
            f"cannot use {self.model.source}: {what}; a Whisper converted to float16 or float32 is needed"
        )

    def take(self, name: str, *, integer: bool = False) -> Tensor:
        if name not in self.left:
            raise self.fault(f"{name} is missing")
        values = self.left.pop(name)
        if (values.dtype.kind == "i") is not integer:
            raise self.fault(f"{name} has type {values.dtype}")
        return values

    def setting(self, name: str) -> int:
        values = self.take(name, integer=True)
        if values.shape != ():
            raise self.fault(f"{name} has shape {values.shape}, a scalar is expected")
        return int(values)

    def linear(self, source: str, targets: tuple[str, ...]) -> None:
        """Split a (concatenated) projection into its row blocks, one per target."""
        weight, bias = self.take(f"{source}/weight"), self.take(f"{source}/bias")
        if weight.ndim != 2 or bias.shape != weight.shape[:1] or weight.shape[0] % len(targets):
            raise self.fault(f"{source} has weight {weight.shape} and bias {bias.shape} for {len(targets)} projections")
        blocks = zip(targets, np.split(weight, len(targets)), np.split(bias, len(targets)), strict=True)
        for target, rows, offsets in blocks:
            self.tensors[f"{target}.weight"] = rows
            if not target.endswith(".k_proj"):
                self.tensors[f"{target}.bias"] = offsets
            elif np.any(offsets != 0):
                raise self.fault(f"{source} has a key bias that is not zero")

    def norm(self, source: str, target: str) -> None:
        self.tensors[f"{target}.weight"] = self.take(f"{source}/layer_norm/gamma")
        self.tensors[f"{target}.bias"] = self.take(f"{source}/layer_norm/beta")

    def side(self, side: str) -> int:
        """Rename the tensors of encoder or decoder; return its number of layers."""
        parts = ("self_attention", "ffn") if side == "encoder" else ("self_attention", "attention", "ffn")
        layers = 0
        while any(name.startswith(f"{side}/layer_{layers}/") for name in self.left):
            source, target = f"{side}/layer_{layers}", f"model.{side}.layers.{layers}"
            for part in parts:
                self.norm(f"{source}/{part}", f"{target}.{_NORMS[part]}")
            for joined, names in _LINEARS.items():
                if joined.partition("/")[0] in parts:
                    self.linear(f"{source}/{joined}", tuple(f"{target}.{name}" for name in names))
            layers += 1
        self.norm(side, f"model.{side}.layer_norm")
        self.tensors[f"model.{side}.embed_positions.weight"] = self.take(f"{side}/position_encodings/encodings")
        return layers

    def run(self) -> WhisperWeights:
        if (self.model.spec, self.model.revision) != ("WhisperSpec", _WHISPER_REVISION):
            raise self.fault(f"it is a {self.model.spec} of revision {self.model.revision}, not a WhisperSpec of 3")
        if self.model.aliases != dict([_TIED]):
            raise self.fault(f"its aliases are {self.model.aliases}; only {_TIED[0]} for {_TIED[1]} is expected")
        for name, value in _FIXED.items():
            if (actual := self.setting(name)) != value:
                raise self.fault(f"{name} is {actual}, not {value}")
        for name in self.left.keys() & set(_NO_EFFECT):
            self.setting(name)
        heads = {side: self.setting(f"{side}/num_heads") for side in ("encoder", "decoder")}
        layers = {side: self.side(side) for side in ("encoder", "decoder")}
        for conv in ("conv1", "conv2"):
            for part in ("weight", "bias"):
                self.tensors[f"model.encoder.{conv}.{part}"] = self.take(f"encoder/{conv}/{part}")
        self.tensors["model.decoder.embed_tokens.weight"] = self.take(_TIED[1])
        if self.left:
            raise self.fault(f"{len(self.left)} variables are left over, such as {sorted(self.left)[:3]}")
        return WhisperWeights(self.tensors, self.sizes(heads, layers))

    def sizes(self, heads: dict[str, int], layers: dict[str, int]) -> dict[str, int]:
        def size(name: str, axis: int) -> int:
            shape = self.tensors[name].shape
            if axis >= len(shape):
                raise self.fault(f"{name} has shape {shape}")
            return int(shape[axis])

        sizes = {
            "d_model": size("model.decoder.embed_tokens.weight", 1),
            "vocab_size": size("model.decoder.embed_tokens.weight", 0),
            "num_mel_bins": size("model.encoder.conv1.weight", 1),
            "max_source_positions": size("model.encoder.embed_positions.weight", 0),
            "max_target_positions": size("model.decoder.embed_positions.weight", 0),
        }
        for side in ("encoder", "decoder"):
            if not layers[side] or not heads[side] or sizes["d_model"] % heads[side]:
                raise self.fault(f"its {side} has {layers[side]} layers and {heads[side]} heads")
            sizes |= {f"{side}_layers": layers[side], f"{side}_attention_heads": heads[side]}
            sizes[f"{side}_ffn_dim"] = size(f"model.{side}.layers.0.fc1.weight", 0)
        return sizes

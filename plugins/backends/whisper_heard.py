"""What Whisper's decoder attends to: encoder states, and the keys and values that its layers make of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Heard:
    """Encoder states with the keys and values of the cross-attention, which all hypotheses of a row share.

    On a CPU these keys and values cost more than all tokens of a short utterance, so that they are computed once a row:
    not once for each beam, rollout, round of decoding, and scoring pass.

    Args:
        hidden: encoder states (batch, frames, width).
        keys_values: for each decoder layer keys and values, both (batch, heads, frames, width of a head).
    """

    hidden: Any
    keys_values: tuple[tuple[Any, Any], ...]

    def rows(self, rows: Sequence[int]) -> Heard:
        """Those rows, in that order; a row may be named more than once."""
        import torch

        chosen = torch.tensor(rows, dtype=torch.long, device=self.hidden.device)
        return Heard(self.hidden[chosen], tuple((keys[chosen], values[chosen]) for keys, values in self.keys_values))

    def cache(self) -> Any:
        """A cache of transformers that holds these keys and values and no token yet.

        It leaves them in place when beams are reordered: a beam moves within its row, and a row's beams hear the same.
        """
        from transformers.cache_utils import DynamicCache, DynamicLayer, EncoderDecoderCache

        class InPlace(EncoderDecoderCache):
            """Reorders what was said, not what was heard."""

            def reorder_cache(self, beam_idx: Any) -> None:
                self.self_attention_cache.reorder_cache(beam_idx)

        heard = DynamicCache()
        for keys, values in self.keys_values:
            layer = DynamicLayer()
            layer.lazy_initialization(keys, values)
            layer.keys, layer.values = keys, values  # `update` would copy them
            heard.layers.append(layer)
        return InPlace(DynamicCache(), heard)


def heard_by(model: Any, hidden: Any) -> Heard:
    """The keys and values that the decoder layers of a WhisperForConditionalGeneration make of encoder states.

    Args:
        model: an adapter that is active takes part.
        hidden: encoder states (batch, frames, width).
    """
    batch, frames, _ = hidden.shape

    def by_head(projection: Any, attention: Any) -> Any:
        heads = projection(hidden).view(batch, frames, attention.num_heads, attention.head_dim)
        return heads.transpose(1, 2).contiguous()

    attentions = [layer.encoder_attn for layer in model.get_decoder().layers]
    return Heard(hidden, tuple((by_head(one.k_proj, one), by_head(one.v_proj, one)) for one in attentions))

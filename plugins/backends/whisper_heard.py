"""What Whisper's decoder attends to: the keys and values that its layers make of encoder states, once a recording."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any

SHARED = "megaasr_shared"
"""The name of `_attend` among transformers' attention functions."""


@dataclass(frozen=True)
class Heard:
    """The keys and values of the cross-attention, which all hypotheses of a recording share.

    On a CPU they cost more to compute than all tokens of a short utterance, and more to read at each step than
    everything else: so they are made once, and read once for all beams and rollouts, rounds and scoring passes.

    Args:
        keys_values: for each decoder layer keys and values, both (num_heard, heads, frames, width of a head).
        copies: hypotheses of each, side by side: there are num_heard times `copies` rows.
    """

    keys_values: tuple[tuple[Any, Any], ...]
    copies: int = 1

    def rows(self, rows: Sequence[int]) -> Heard:
        """Those rows, in that order; a row may be named more than once.

        Rows of one recording that stand side by side share its keys and values, where all have as many; otherwise each
        row gets its own.
        """
        import torch

        of_rows = [row // self.copies for row in rows]
        runs = [(heard, len(list(run))) for heard, run in groupby(of_rows)]
        copies = runs[0][1] if len({count for _, count in runs}) == 1 else 1
        chosen = of_rows[::copies]
        if chosen == list(range(len(self.keys_values[0][0]))):
            return Heard(self.keys_values, copies)
        places = torch.tensor(chosen, dtype=torch.long, device=self.keys_values[0][0].device)
        return Heard(tuple((keys[places], values[places]) for keys, values in self.keys_values), copies)

    def states(self) -> Any:
        """Stands for the encoder states (rows, 1, 1), which the decoder asks for and does not read."""
        keys = self.keys_values[0][0]
        return keys.new_zeros(len(keys) * self.copies, 1, 1)

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
    return Heard(tuple((by_head(one.k_proj, one), by_head(one.v_proj, one)) for one in attentions))


def share_heard(model: Any) -> None:
    """Let the cross-attention of a model take queries of several rows for one row of keys and values."""
    from transformers import AttentionInterface

    AttentionInterface.register(SHARED, _attend)
    for layer in model.get_decoder().layers:
        attention = layer.encoder_attn
        attention.config = copy.copy(attention.config)
        attention.config._attn_implementation = SHARED


def _attend(module: Any, query: Any, key: Any, value: Any, attention_mask: Any, **options: Any) -> Any:
    """As transformers' attention functions; ``query`` (rows, heads, length, width) may have more rows than ``key``.

    The queries of all rows of a recording become those of one row, so that the keys and values are read once.
    """
    from transformers.integrations.sdpa_attention import sdpa_attention_forward

    rows, heads, length, width = query.shape
    heard = len(key)
    if rows == heard:
        return sdpa_attention_forward(module, query, key, value, attention_mask, **options)
    copies = rows // heard
    folded = query.view(heard, copies, heads, length, width).transpose(1, 2).reshape(heard, heads, -1, width)
    found, _ = sdpa_attention_forward(module, folded, key, value, None, **options, is_causal=False)
    return found.view(heard, copies, length, heads, width).reshape(rows, length, heads, width), None

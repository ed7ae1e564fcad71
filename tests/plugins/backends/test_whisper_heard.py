"""Keys and values of the cross-attention that several rows share."""

from __future__ import annotations

import pytest
import torch

from megaasr_plugins.backends.whisper_heard import Heard, _attend


def heard(recordings: int = 3) -> Heard:
    """Keys and values of two layers, of 2 heads, 5 frames and a width of 4."""
    torch.manual_seed(0)
    layers = [(torch.randn(recordings, 2, 5, 4), torch.randn(recordings, 2, 5, 4)) for _ in range(2)]
    return Heard(tuple(layers))


@pytest.mark.parametrize(
    ("rows", "recordings", "copies"),
    [
        ([0, 0, 1, 1, 2, 2], 3, 2),
        ([0, 1, 2], 3, 1),
        ([2, 2, 2], 1, 3),
        ([0, 0, 1], 3, 1),  # not as many of each: every row has its own
        ([1, 0, 1], 3, 1),
        ([], 0, 1),
    ],
)
def test_rows_of_one_recording_side_by_side_share_it(rows, recordings, copies):
    whole = heard()
    chosen = whole.rows(rows)
    keys, values = chosen.keys_values[1]
    assert (len(keys), len(values), chosen.copies) == (recordings, recordings, copies)
    for mine, all_of_them in ((keys, whole.keys_values[1][0]), (values, whole.keys_values[1][1])):
        assert torch.equal(mine.repeat_interleave(copies, 0), all_of_them[torch.tensor(rows, dtype=torch.long)])
    assert chosen.states().shape == (len(rows), 1, 1)


def test_all_recordings_in_their_order_are_not_copied():
    whole = heard()
    assert whole.rows([0, 0, 1, 1, 2, 2]).keys_values is whole.keys_values


def test_rows_of_rows_are_rows_of_the_recordings():
    """Of two rows a recording, those that go on: one of the first, both of the last."""
    whole = heard()
    left = whole.rows([0, 0, 1, 1, 2, 2]).rows([1, 4, 5])
    assert left.copies == 1
    assert torch.equal(left.keys_values[0][0], whole.keys_values[0][0][[0, 2, 2]])


def test_attention_over_shared_keys_is_that_over_copies():
    """And so are the gradients: those of a recording's keys are the sum over its rows."""
    ((keys, values), _) = heard().keys_values
    queries = torch.randn(6, 2, 3, 4)
    found = []
    for copied in (False, True):
        inputs = [one.clone().requires_grad_() for one in (queries, keys, values)]
        own = [one.repeat_interleave(2, 0) if copied else one for one in inputs[1:]]
        module = torch.nn.Module()
        module.is_causal = False
        out, _ = _attend(module, inputs[0], *own, None, dropout=0.0, scaling=0.5)
        out.pow(2).sum().backward()
        found.append([out.detach(), *(one.grad for one in inputs)])
    for shared, copied in zip(*found, strict=True):
        torch.testing.assert_close(shared, copied, atol=1e-6, rtol=1e-5)
    assert found[0][0].shape == (6, 3, 2, 4)

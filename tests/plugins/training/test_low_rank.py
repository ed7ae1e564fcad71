"""A phase's LoRA in the network, and the phases side by side in one adapter."""

import copy

import pytest
import torch

from megaasr import LoraPart, mount_lora, read_lora, using_lora
from megaasr_core.base.errors import ParameterError
from megaasr_plugins.backends.whisper import Whisper
from megaasr_plugins.training.low_rank import PhaseLora, write_adapter
from megaasr_plugins.training.phases import Phase

FIRST = Phase(name="first", learning_rates={"encoder": 1e-3, "aligner": 1e-3}, rank=4, alpha=8)
SECOND = Phase(name="second", learning_rates={"aligner": 1e-3, "llm": 1e-3}, rank=2, alpha=3)


@pytest.fixture
def backend(small_folder):
    return Whisper.create({"model": str(small_folder), "device": "cpu"})


def with_random_weights(lora, seed):
    generator = torch.Generator().manual_seed(seed)
    tensors = {key: 0.1 * torch.randn(one.shape, generator=generator) for key, one in lora.tensors().items()}
    lora.load(tensors)
    return tensors


def test_only_the_phases_groups_are_trainable(backend):
    groups = backend.module_groups()
    lora = PhaseLora(backend.network, groups, FIRST, 0.0)
    trainable = {name for name, weight in backend.network.named_parameters() if weight.requires_grad}
    expected = [name for group in ("encoder", "aligner") for name in groups[group]]
    assert trainable == {f"{name}.lora_{half}.phase.weight" for name in expected for half in "AB"}
    counted = sum(len(lora.parameters(group)) for group in ("encoder", "aligner"))
    assert counted == len(trainable)


def test_merged_phases_are_the_adapter_that_is_written(backend, small_folder, tmp_path):
    base = copy.deepcopy(backend.network)
    blocks = []
    for number, phase in enumerate((FIRST, SECOND)):
        lora = PhaseLora(backend.network, backend.module_groups(), phase, 0.0)
        blocks.append(LoraPart(with_random_weights(lora, number), phase.rank, phase.alpha))
        lora.merge()
    write_adapter(tmp_path, blocks, 1.0, "whisper")
    mount_lora(base, read_lora(tmp_path), "robust")
    features = torch.randn(1, 80, 1500, generator=torch.Generator().manual_seed(1))
    batch = {"input_features": features, "decoder_input_ids": torch.tensor([[50257, 50362, 11]])}
    batch["labels"] = torch.tensor([[-100, 11, 50256]])
    with torch.inference_mode():
        merged = backend.hidden_and_logits(backend.network, batch)
        with using_lora(base, "robust", {"robust"}):
            mounted = backend.hidden_and_logits(base.eval(), batch)
        plain = backend.hidden_and_logits(Whisper.create({"model": str(small_folder)}).network, batch)
    for one, other, without in zip(merged, mounted, plain, strict=True):
        change = (one - without).abs().max()
        assert change > 0.01
        assert (one - other).abs().max() < 0.01 * change  # half precision on disk


def test_the_scale_stands_in_alpha(backend, tmp_path):
    lora = PhaseLora(backend.network, backend.module_groups(), FIRST, 0.0)
    block = LoraPart(with_random_weights(lora, 0), 4, 8.0)
    write_adapter(tmp_path / "one", [block], 1.0, "whisper")
    write_adapter(tmp_path / "half", [block], 0.5, "whisper")
    one, half = read_lora(tmp_path / "one"), read_lora(tmp_path / "half")
    key = next(key for key in one.tensors if key.endswith("lora_B.weight"))
    assert torch.equal(half.tensors[key], 0.5 * one.tensors[key])
    assert torch.allclose(one.tensors[key], 2.0 * block.tensors[key].half().float())


def test_tensors_that_do_not_fit_are_refused(backend):
    lora = PhaseLora(backend.network, backend.module_groups(), FIRST, 0.0)
    tensors = lora.tensors()
    tensors.pop(next(iter(tensors)))
    with pytest.raises(ParameterError, match="phase first: 1 tensors do not fit, such as model"):
        lora.load(tensors)


def test_a_group_without_modules_is_refused(backend):
    groups = {**backend.module_groups(), "aligner": ()}
    with pytest.raises(ParameterError, match="phase first: the backend has no module in group aligner"):
        PhaseLora(backend.network, groups, FIRST, 0.0)

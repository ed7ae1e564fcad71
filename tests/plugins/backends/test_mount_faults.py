"""Whatever goes wrong while an adapter is mounted, and wherever, the network is as it was."""

import json

import pytest
import torch
from safetensors.torch import save_file

from megaasr import AdapterError, mount_lora, read_lora, unmount_lora, using_lora

VALUES = torch.randn(2, 4, generator=torch.Generator().manual_seed(0))


def network():
    with torch.random.fork_rng():
        torch.manual_seed(0)
        layers = torch.nn.Sequential(*(torch.nn.Linear(4, 4) for _ in range(4)))
    layers[1].requires_grad_(False)
    layers[2].register_forward_hook(lambda *_: None)
    layers.register_forward_pre_hook(lambda *_: None)
    return layers.train()


@pytest.fixture
def adapter(tmp_path):
    def written(name, change=None):
        generator = torch.Generator().manual_seed(len(name))
        tensors = {}
        for layer in range(3):
            tensors[f"{layer}.lora_A.weight"] = torch.randn(2, 4, generator=generator)
            tensors[f"{layer}.lora_B.weight"] = torch.randn(4, 2, generator=generator)
        (change or (lambda _: None))(tensors)
        folder = tmp_path / name
        folder.mkdir()
        save_file(tensors, folder / "adapter_model.safetensors")
        config = {"r": 2, "lora_alpha": 2, "target_modules": ["0", "1", "2"]}
        (folder / "adapter_config.json").write_text(json.dumps(config))
        return read_lora(folder)

    return written


def state(module):
    """All that a network is, by identity where that counts, and its numbers by their bits."""
    modules = {
        path: (id(one), type(one), one.training, list(one._modules), hooks(one), adapters_in(one))
        for path, one in module.named_modules()
    }
    weights = {name: (id(one), one.requires_grad, one.data.clone()) for name, one in module.named_parameters()}
    return modules, weights, dict(getattr(module, "peft_config", {})), hasattr(module, "peft_config")


def hooks(module):
    return list(module._forward_hooks.values()), list(module._forward_pre_hooks.values()), dict(module._backward_hooks)


def adapters_in(module):
    names = ("scaling", "r", "lora_alpha", "lora_variant", "use_dora", "_active_adapter", "_disable_adapters")
    return {name: repr(vars(module)[name]) for name in names if name in vars(module)}


def assert_equal(one, other):
    assert one[0] == other[0]
    assert {k: v[:2] for k, v in one[1].items()} == {k: v[:2] for k, v in other[1].items()}
    assert all(torch.equal(v[2], other[1][k][2]) for k, v in one[1].items())
    assert one[2:] == other[2:]


class Fault:
    """Stands for a function, and raises instead of the call of a given number."""

    def __init__(self, function, at, error):
        self.function, self.left, self.error = function, at, error

    def __call__(self, *args, **settings):
        self.left -= 1
        if self.left < 0:
            raise self.error
        return self.function(*args, **settings)


PLACES = {
    "peft.tuners.lora.LoraModel._create_and_replace": 3,
    "peft.tuners.lora.LoraModel._mark_only_adapters_as_trainable": 1,
    "peft.tuners.lora.LoraModel._replace_module": 3,
    "peft.tuners.lora.layer.LoraLayer.update_layer": 3,
    "peft.tuners.lora.layer.LoraLayer.reset_lora_parameters": 3,
    "peft.inject_adapter_in_model": 1,
    "torch.Tensor.copy_": 6,
    "torch.Tensor.requires_grad_": 8,
    "megaasr.lora.mounting._copy": 1,
    "megaasr.lora.mounting.AdapterReport": 1,
}
ERRORS = [ValueError("bad"), MemoryError("none left"), KeyboardInterrupt(), AssertionError("odd"), OSError("gone")]


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("beside", [False, True], ids=["alone", "beside another"])
def test_an_error_at_any_step_leaves_the_network_as_it_was(adapter, monkeypatch, place, beside):
    base, lora = network(), adapter("one")
    if beside:
        mount_lora(base, adapter("first"), "first")
    before = state(base)
    places = 0 if beside and place.endswith("_replace_module") else PLACES[place]  # then no module is replaced
    for at in range(places):
        for error in ERRORS:
            with monkeypatch.context() as patched:
                owner, _, name = place.rpartition(".")
                fault = Fault(getattr(resolve(owner), name), at, error)
                patched.setattr(place, lambda *args, fault=fault, **settings: fault(*args, **settings))
                with pytest.raises((AdapterError, type(error))):
                    mount_lora(base, lora, "robust")
            assert_equal(state(base), before)
    mount_lora(base, lora, "robust")
    with using_lora(base, "robust", {"robust", "first"}):
        assert not torch.allclose(base(VALUES), network()(VALUES))
    unmount_lora(base, "robust")
    assert_equal(state(base), before)


def resolve(path):
    import importlib

    parts = path.split(".")
    for end in range(len(parts), 0, -1):
        try:
            found = importlib.import_module(".".join(parts[:end]))
        except ImportError:
            continue
        for part in parts[end:]:
            found = getattr(found, part)
        return found
    raise AssertionError(path)


@pytest.mark.parametrize(
    "change",
    [
        lambda one: one.update({"1.lora_A.weight": torch.zeros(2, 5)}),
        lambda one: one.update({"1.lora_B.weight": torch.zeros(7, 2)}),
        lambda one: one.update({"2.lora_A.weight": torch.zeros(2, 4, 1)}),
        lambda one: one.update({"3.lora_A.weight": torch.zeros(2, 4), "3.lora_B.weight": torch.zeros(4, 2)}),
        lambda one: one.pop("0.lora_A.weight"),
    ],
    ids=["A", "B", "dimensions", "another module", "half"],
)
def test_a_refused_adapter_leaves_the_network_as_it_was(adapter, change):
    base = network()
    mount_lora(base, adapter("first"), "first")
    before = state(base)
    with pytest.raises(AdapterError):
        mount_lora(base, adapter("one", change), "robust")
    with pytest.raises(AdapterError, match="already mounted"):
        mount_lora(base, adapter("other"), "first")
    assert_equal(state(base), before)
    mount_lora(base, adapter("whole"), "robust")

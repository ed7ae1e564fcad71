"""An adapter takes part inside `using` alone; mounting is atomic against decoding and leaves nothing when it fails."""

import json
import threading

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

from megaasr import (
    AdapterError,
    DecodingOptions,
    Transcript,
    UnknownNameError,
    mount_lora,
    read_lora,
    unmount_lora,
    using_lora,
)

SHORT = DecodingOptions(min_tokens=1, tokens_per_second=2.0)


def state_of(network):
    """The modules by type, and which weights can be trained."""
    modules = [(name, type(module).__name__) for name, module in network.named_modules()]
    return modules, {name: weight.requires_grad for name, weight in network.named_parameters()}


def score(backend, clip, adapter=None):
    with torch.no_grad():
        return backend.log_probabilities([(clip, "some words")], adapter)[0].tolist()


def test_log_probabilities_do_not_depend_on_the_call_before(small, make_adapter, noise_clips):
    clip = noise_clips[0]
    base = score(small, clip)
    small.mount("robust", make_adapter())
    adapted = score(small, clip, "robust")
    assert max(abs(a - b) for a, b in zip(base, adapted, strict=True)) > 0.01
    for adapter in ("robust", None):
        small.transcribe([clip], SHORT, [adapter])
        assert score(small, clip) == base
        assert score(small, clip, "robust") == adapted
        with pytest.raises(UnknownNameError):
            score(small, clip, "robbust")


def test_the_former_state_is_restored_after_an_exception_and_inside_another_block(small, make_adapter, noise_clips):
    small.mount("one", make_adapter("one"))
    small.mount("second", make_adapter("second"))
    base, one, second = (score(small, noise_clips[0], name) for name in (None, "one", "second"))
    with small.using("one"):
        with pytest.raises(ZeroDivisionError):
            fails_inside(small, "second", noise_clips[0], second)
        assert network_score(small, noise_clips[0]) == one
        with small.using(None):
            assert network_score(small, noise_clips[0]) == base
        assert network_score(small, noise_clips[0]) == one
    assert network_score(small, noise_clips[0]) == base


def fails_inside(backend, adapter, clip, expected):
    with backend.using(adapter):
        assert network_score(backend, clip) == expected
        _ = 1 / 0


def network_score(backend, clip):
    """As the network is at the moment."""
    from megaasr_plugins.backends.whisper_training import log_probabilities

    with torch.no_grad():
        return log_probabilities(backend.network, backend.collate([(clip, "some words")]))[0].tolist()


def test_a_failed_mount_leaves_no_module_behind(small, make_adapter, monkeypatch):
    before = state_of(small.network)
    folder = make_adapter("misshapen")
    tensors = load_file(folder / "adapter_model.safetensors")
    last = sorted(tensors)[-1]
    tensors[last] = torch.zeros(7, 4)
    save_file(tensors, folder / "adapter_model.safetensors")
    with pytest.raises(AdapterError, match=r"has shape \(7, 4\), the model needs"):
        small.mount("robust", folder)
    assert state_of(small.network) == before
    assert not hasattr(small.network, "peft_config")
    monkeypatch.setattr("megaasr.lora.mounting._copy", lambda *_: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        small.mount("robust", make_adapter("fine"))
    assert state_of(small.network) == before
    assert small.mounted() == ()
    monkeypatch.undo()
    small.mount("robust", folder.parent / "fine")
    small.unmount("robust")
    assert state_of(small.network) == before


def test_a_second_adapter_that_fails_leaves_the_first(small, make_adapter, noise_clips):
    small.mount("one", make_adapter("one"))
    before, adapted = state_of(small.network), score(small, noise_clips[0], "one")
    with pytest.raises(AdapterError, match="2 missing"):
        small.mount("second", make_adapter("second", drop=first_keys(small, make_adapter)))
    with pytest.raises(AdapterError, match="adapter 'one' is already mounted"):
        small.mount("one", make_adapter("third"))
    assert state_of(small.network) == before
    assert score(small, noise_clips[0], "one") == adapted


def first_keys(backend, make_adapter):
    tensors = load_file(make_adapter("keys") / "adapter_model.safetensors")
    module = min(tensors).rpartition(".lora_")[0]
    return [f"{module}.lora_{half}.weight" for half in "AB"]


def test_a_mount_waits_for_what_another_thread_decodes(small, make_adapter, noise_clips, monkeypatch):
    folder = make_adapter()
    decoding, go_on = threading.Event(), threading.Event()
    order = []

    def slow(model, processor, batch, options, **_):
        decoding.set()
        assert go_on.wait(60)
        order.append("decoded")
        return [Transcript("done", "en") for _ in batch]

    monkeypatch.setattr("megaasr_plugins.backends.whisper_decoding.decode", slow)
    decoder = threading.Thread(target=lambda: small.transcribe(noise_clips[:1], SHORT))
    decoder.start()
    assert decoding.wait(60)
    assert not small._lock.acquire(blocking=False)
    mounter = threading.Thread(target=lambda: (small.mount("robust", folder), order.append("mounted")))
    mounter.start()
    go_on.set()
    mounter.join(60)
    decoder.join(60)
    assert order == ["decoded", "mounted"]


def test_closing_frees_the_model_and_its_adapters(small, make_adapter, noise_clips):
    small.mount("robust", make_adapter())
    text = small.transcribe(noise_clips[:1], SHORT)[0].text
    small.close()
    assert small._loaded is None
    assert small.mounted() == ()
    assert small.transcribe(noise_clips[:1], SHORT)[0].text == text


class Thinker(torch.nn.Module):
    """A network of a third party, whose adapters call its modules otherwise."""

    def __init__(self):
        super().__init__()
        self.thinker = torch.nn.ModuleDict({"up": torch.nn.Linear(3, 4), "down": torch.nn.Linear(4, 3)})

    def forward(self, values):
        return self.thinker["down"](self.thinker["up"](values))


@pytest.fixture
def written(tmp_path):
    generator = torch.Generator().manual_seed(0)
    shapes = {"up": (3, 4), "down": (4, 3)}
    tensors = {}
    for name, (num_in, num_out) in shapes.items():
        tensors[f"base_model.model.talker.{name}.lora_A.weight"] = torch.randn(2, num_in, generator=generator)
        tensors[f"base_model.model.talker.{name}.lora_B.weight"] = torch.randn(num_out, 2, generator=generator)
    save_file(tensors, tmp_path / "adapter_model.safetensors")
    config = {"peft_type": "LORA", "r": 2, "lora_alpha": 2, "target_modules": ["talker.up", "talker.down"]}
    (tmp_path / "adapter_config.json").write_text(json.dumps(config))
    return tmp_path


@pytest.mark.parametrize(
    "key_map",
    [
        lambda name: name.replace("thinker", "talker"),
        {"thinker.up": "talker.up", "thinker.down": "talker.down"},
    ],
    ids=["function", "mapping"],
)
def test_a_key_map_names_the_modules_of_any_network(written, key_map):
    network, values = Thinker(), torch.ones(1, 3)
    before, plain = state_of(network), network(values)
    report = mount_lora(network, read_lora(written), "robust", key_map)
    assert (report.num_keys, report.modules) == (4, ("thinker.down", "thinker.up"))
    assert torch.equal(network(values), plain)
    with using_lora(network, "robust", {"robust"}):
        assert not np.allclose(network(values).detach(), plain.detach(), atol=0.01)
    unmount_lora(network, "robust")
    assert state_of(network) == before
    assert torch.equal(network(values), plain)


def test_without_its_key_map_an_adapter_is_refused(written):
    network = Thinker()
    before = state_of(network)
    with pytest.raises(AdapterError, match="0 missing, 4 unexpected"):
        mount_lora(network, read_lora(written), "robust")
    with pytest.raises(AdapterError, match=r"gives thinker\.up and thinker\.down one name, 'talker'"):
        mount_lora(network, read_lora(written), "robust", {"thinker.up": "talker", "thinker.down": "talker"})
    assert state_of(network) == before

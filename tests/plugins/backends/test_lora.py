import hashlib
import json

import numpy as np
import pytest

from megaasr import DecodingOptions
from megaasr_core.base.errors import AdapterError, UnknownNameError

SHORT = DecodingOptions(min_tokens=1, tokens_per_second=2.0)
FIRST = "base_model.model.model.encoder.layers.0.self_attn.q_proj"


def base_digest(network) -> str:
    """Every base weight by its original name, so that wrapping modules does not matter but any changed bit does."""
    digest = hashlib.sha256()
    named = {**dict(network.named_parameters()), **dict(network.named_buffers())}
    for name in sorted(named, key=lambda name: name.replace(".base_layer", "")):
        if "lora_" not in name:
            digest.update(name.replace(".base_layer", "").encode())
            digest.update(named[name].detach().numpy().tobytes())
    return digest.hexdigest()


def encoded(backend, adapter, clip):
    import torch

    with torch.inference_mode(), backend.using(adapter):
        features = backend._processor.feature_extractor(clip.samples, sampling_rate=16_000, return_tensors="pt")
        return backend.network.get_encoder()(features.input_features).last_hidden_state.numpy()


def test_the_base_is_bit_equal_after_a_hundred_toggles(small, make_adapter, noise_clips):
    before = base_digest(small.network)
    heard = encoded(small, None, noise_clips[0])
    small.mount("one", make_adapter("one"))
    small.mount("second", make_adapter("second"))
    for round_ in range(100):
        small.transcribe(noise_clips[:1], SHORT, [("one", "second", None)[round_ % 3]])
        if round_ % 10 == 9:
            small.unmount("one")
            small.mount("one", make_adapter(f"one{round_}"))
    assert base_digest(small.network) == before
    assert np.array_equal(encoded(small, None, noise_clips[0]), heard)
    assert not np.array_equal(encoded(small, "one", noise_clips[0]), heard)
    small.unmount("one")
    small.unmount("second")
    assert small.mounted() == ()
    assert base_digest(small.network) == before
    assert np.array_equal(encoded(small, None, noise_clips[0]), heard)


@pytest.mark.parametrize("rslora", [False, True])
def test_what_is_heard_is_the_base_plus_scale_b_a(small, make_adapter, noise_clips, rslora):
    import torch
    from safetensors.torch import load_file

    folder = make_adapter(use_rslora=rslora)
    scale = 8 / 4**0.5 if rslora else 8 / 4
    small.mount("robust", folder)
    through_adapter = encoded(small, "robust", noise_clips[0])
    small.unmount("robust")
    tensors = load_file(folder / "adapter_model.safetensors")
    with torch.no_grad():
        for key, tensor in tensors.items():
            if key.endswith("lora_A.weight"):
                module = key.removeprefix("base_model.model.").removesuffix(".lora_A.weight")
                up = tensors[key.replace("lora_A", "lora_B")]
                small.network.get_submodule(module).weight += scale * up @ tensor
    assert np.max(np.abs(encoded(small, None, noise_clips[0]) - through_adapter)) < 2e-4


def test_rows_of_a_mixed_batch_each_go_their_own_way(small, make_adapter, noise_clips):
    small.mount("robust", make_adapter())
    base = small.transcribe(noise_clips, SHORT)
    robust = small.transcribe(noise_clips, SHORT, ["robust"] * 3)
    assert any(a.text != b.text for a, b in zip(base, robust, strict=True))
    mixed = small.transcribe(noise_clips, SHORT, ["robust", None, "robust"])
    assert [one.text for one in mixed] == [robust[0].text, base[1].text, robust[2].text]
    assert [one.adapter for one in mixed] == ["robust", None, "robust"]


def test_every_key_is_counted(small, make_adapter):
    report = small.mount("robust", make_adapter())
    assert report.num_keys == 8
    assert report.num_parameters == 8 * 4 * 32
    assert len(report.modules) == 4


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"drop": [f"{FIRST}.lora_A.weight"]}, r"1 missing \(model\.encoder\.layers\.0\.self_attn\.q_proj\.lora_A"),
        ({"drop": [f"{FIRST}.lora_B.weight"]}, r"7 tensors do not fit .*1 missing .*, 0 unexpected"),
        ({"extra": ["base_model.model.proj_out.lora_A.weight"]}, r"0 missing, 1 unexpected \(proj_out\.lora_A\.weight"),
        ({"parts": ("q_proj",)}, r"2 missing|4 missing"),
        ({"layers": 3}, r"4 unexpected \(model\.encoder\.layers\.2.* and 1 more\)"),
        ({"width": 48}, r"has shape \(4, 48\), the model needs \(4, 32\)"),
        ({"use_dora": True}, "not supported: DoRA"),
        ({"bias": "all"}, "not supported: bias"),
        ({"modules_to_save": ["proj_out"]}, "not supported: modules_to_save"),
        ({"peft_type": "IA3"}, "not supported: peft_type IA3"),
        ({"r": 0}, r"adapter_config\.json: r: "),
        ({"target_modules": "nothing"}, "8 unexpected"),
    ],
)
def test_what_does_not_fit_is_refused_whole(small, make_adapter, noise_clips, changes, reason):
    heard = encoded(small, None, noise_clips[0])
    digest = base_digest(small.network)
    with pytest.raises(AdapterError, match=reason) as caught:
        small.mount("robust", make_adapter(**changes))
    assert "\n" not in str(caught.value)
    assert small.mounted() == ()
    assert base_digest(small.network) == digest
    assert np.array_equal(encoded(small, None, noise_clips[0]), heard)
    small.mount("robust", make_adapter("whole"))  # and the name is free still


def test_an_unapplied_tensor_would_be_noticed(small, make_adapter):
    """Every number of the file is in the network: the sum over the mounted tensors is the sum over the file's."""
    from safetensors.torch import load_file

    folder = make_adapter()
    small.mount("robust", folder)
    in_file = sum(float(tensor.double().sum()) for tensor in load_file(folder / "adapter_model.safetensors").values())
    mounted = sum(float(p.double().sum()) for name, p in small.network.named_parameters() if ".robust." in name)
    assert mounted == pytest.approx(in_file, abs=1e-9)
    assert in_file != 0.0


@pytest.mark.parametrize("missing", ["adapter_model.safetensors", "adapter_config.json"])
def test_a_missing_file_is_named(small, make_adapter, missing):
    folder = make_adapter()
    (folder / missing).unlink()
    with pytest.raises(AdapterError, match=missing.replace(".", r"\.")):
        small.mount("robust", folder)


def test_pickled_weights_are_not_read(small, make_adapter):
    folder = make_adapter()
    (folder / "adapter_model.safetensors").rename(folder / "adapter_model.bin")
    with pytest.raises(AdapterError, match="pickled weights are not read"):
        small.mount("robust", folder)


def test_a_broken_weight_file_and_a_missing_folder_are_one_line(small, make_adapter, tmp_path):
    folder = make_adapter()
    (folder / "adapter_model.safetensors").write_bytes(b"\x01" * 50)
    with pytest.raises(AdapterError, match="cannot be read"):
        small.mount("robust", folder)
    with pytest.raises(AdapterError, match="no such adapter folder"):
        small.mount("robust", tmp_path / "nowhere")


def test_names_are_unique_and_unknown_ones_get_a_suggestion(small, make_adapter, noise_clips):
    small.mount("robust", make_adapter())
    with pytest.raises(AdapterError, match="already mounted"):
        small.mount("robust", make_adapter("other"))
    with pytest.raises(UnknownNameError, match="did you mean 'robust'"):
        small.transcribe(noise_clips[:1], SHORT, ["robst"])
    with pytest.raises(UnknownNameError, match="did you mean 'robust'"):
        small.unmount("robst")


def test_two_routes_cost_little_more_memory_than_one(tiny, make_adapter):
    """Bytes of all distinct tensors of the model, with an adapter of the paper's rank 8 on every attention and FFN."""
    parts = ("q_proj", "k_proj", "v_proj", "out_proj")
    names = r".*encoder\.layers\.\d+\.self_attn\.(q_proj|k_proj|v_proj|out_proj)"
    folder = make_adapter("memory", width=384, layers=4, rank=8, parts=parts, target_modules=names)

    def num_bytes():
        stores = {p.untyped_storage().data_ptr(): p.untyped_storage().nbytes() for p in tiny.network.parameters()}
        return sum(stores.values())

    alone = num_bytes()
    tiny.mount("memory", folder)
    try:
        assert alone < num_bytes() < 1.15 * alone
    finally:
        tiny.unmount("memory")


BLOCK_MODULES = [
    f"base_model.model.model.encoder.layers.{layer}.self_attn.{part}"
    for layer in (0, 1)
    for part in ("q_proj", "v_proj")
]


def block_folder(make_adapter, blocks, **changes):
    folder = make_adapter("blocks", r=24, lora_alpha=24, **{"target_modules": ".*", **changes})
    (folder / "mega_lora_blocks.json").write_text(json.dumps(dict.fromkeys(BLOCK_MODULES, blocks)))
    return folder


def test_the_references_blocks_are_scaled_each_by_its_own_alpha(small, make_adapter, noise_clips):
    """Blocks 0..1 at alpha/rank 6 and 1..4 at 1/3 are the same LoRA as plain ones whose B was scaled by hand."""
    from safetensors.torch import load_file, save_file

    blocks = [{"start": 1, "end": 4, "rank": 3, "alpha": 1}, {"start": 0, "end": 1, "rank": 1, "alpha": 6}]
    folder = block_folder(make_adapter, blocks)
    small.mount("blocks", folder)
    heard = encoded(small, "blocks", noise_clips[0])
    tensors = load_file(folder / "adapter_model.safetensors")
    for key in tensors:
        if key.endswith("lora_B.weight"):
            tensors[key][:, :1] *= 6
            tensors[key][:, 1:] *= 1 / 3
    plain = make_adapter("plain", alpha=4)
    save_file(tensors, plain / "adapter_model.safetensors")
    small.mount("plain", plain)
    assert np.max(np.abs(encoded(small, "plain", noise_clips[0]) - heard)) < 1e-4


def test_blocks_without_rank_and_alpha_have_scale_one(small, make_adapter, noise_clips):
    small.mount("blocks", block_folder(make_adapter, [{"start": 0, "end": 4}]))
    heard = encoded(small, "blocks", noise_clips[0])
    plain = make_adapter("plain", alpha=4)
    (plain / "adapter_model.safetensors").write_bytes(
        (plain.parent / "blocks" / "adapter_model.safetensors").read_bytes()
    )
    small.mount("plain", plain)
    assert np.array_equal(encoded(small, "plain", noise_clips[0]), heard)


@pytest.mark.parametrize(
    ("blocks", "reason"),
    [
        ([{"start": 0, "end": 2}, {"start": 3, "end": 4}], r"block 3\.\.4 does not begin at 2"),
        ([{"start": 0, "end": 3}, {"start": 2, "end": 4}], r"block 2\.\.4 does not begin at 3"),
        ([{"start": 1, "end": 4}], r"block 1\.\.4 does not begin at 0"),
        ([{"start": 0, "end": 3}], r"has rank 4, its blocks cover 0\.\.3"),
        ([], "list of blocks is expected"),
        ([{"start": 0}], "end: Field required"),
    ],
)
def test_blocks_that_do_not_tile_the_rank_are_refused(small, make_adapter, blocks, reason):
    with pytest.raises(AdapterError, match=reason):
        small.mount("blocks", block_folder(make_adapter, blocks))
    assert small.mounted() == ()


def test_a_module_of_the_blocks_file_that_has_no_tensors_is_missing(small, make_adapter):
    folder = block_folder(
        make_adapter, [{"start": 0, "end": 4}], drop=[f"{FIRST}.lora_A.weight", f"{FIRST}.lora_B.weight"]
    )
    with pytest.raises(AdapterError, match="2 missing"):
        small.mount("blocks", folder)

"""The reader of adapters takes what it understands, gives what PEFT gives, and names the rest."""

import dataclasses
import json
import warnings

import pytest
import torch
from hypothesis import Phase, given, reject, settings
from hypothesis import strategies as st
from safetensors.torch import load_file, save_file

from megaasr import AdapterError, mount_lora, read_lora, unmount_lora, using_lora
from megaasr.lora.config import CHANGES_THE_BASE, WITHOUT_EFFECT, AdapterConfig

WEIGHTS, CONFIG = "adapter_model.safetensors", "adapter_config.json"
PARTS = ("q_proj", "v_proj")


class Layer(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.q_proj, self.v_proj = (torch.nn.Linear(6, 6) for _ in range(2))

    def forward(self, values):
        return values + torch.tanh(self.v_proj(torch.tanh(self.q_proj(values))))


class Network(torch.nn.Module):
    """Two stacks of two layers."""

    def __init__(self):
        super().__init__()
        self.encoder = torch.nn.ModuleDict({"layers": torch.nn.ModuleList(Layer() for _ in range(2))})
        self.decoder = torch.nn.ModuleDict({"layers": torch.nn.ModuleList(Layer() for _ in range(2))})
        self.out = torch.nn.Linear(6, 3)

    def forward(self, values):
        for stack in (self.encoder, self.decoder):
            for layer in stack["layers"]:
                values = layer(values)
        return self.out(values)


def network():
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return Network().eval()


def written_by_peft(folder, **settings):
    """Save what PEFT makes of the settings with random weights; return what PEFT itself computes with them."""
    from peft import LoraConfig, PeftModel, get_peft_model

    with warnings.catch_warnings(), torch.random.fork_rng():
        warnings.simplefilter("ignore")
        torch.manual_seed(1)
        adapted = get_peft_model(network(), LoraConfig(**{"target_modules": list(PARTS), **settings}))
        for name, weight in adapted.named_parameters():
            if ".lora_" in name:
                torch.nn.init.normal_(weight, std=0.3)
        adapted.save_pretrained(folder)
        loaded = PeftModel.from_pretrained(network(), folder).eval()
    return loaded(VALUES).detach()


VALUES = torch.randn(2, 6, generator=torch.Generator().manual_seed(5))
PATTERN_KEYS = st.sampled_from(
    ["q_proj", "layers.0.v_proj", r"^encoder\.layers\.\d+\.q_proj", r"decoder.*", r"(q|v)_proj", "nothing"]
)
SETTINGS = st.fixed_dictionaries(
    {"r": st.integers(1, 5), "lora_alpha": st.sampled_from([1, 4, 12, 0.5])},
    optional={
        "rank_pattern": st.dictionaries(PATTERN_KEYS, st.integers(1, 6), max_size=3),
        "alpha_pattern": st.dictionaries(PATTERN_KEYS, st.sampled_from([2, 7, 0.25]), max_size=3),
        "use_rslora": st.booleans(),
        "init_lora_weights": st.sampled_from([True, False, "gaussian", "orthogonal", "mica"]),
        "lora_dropout": st.just(0.1),
    },
)
TARGETS = st.one_of(
    st.fixed_dictionaries(
        {"target_modules": st.sampled_from([["q_proj"], list(PARTS), ["layers.1.v_proj", "out"]])},
        optional={"layers_to_transform": st.sampled_from([0, [1], [0, 1]]), "exclude_modules": st.just(["out"])},
    ),
    st.just({"target_modules": ["q_proj"], "layers_to_transform": [1], "layers_pattern": ["encoder.layers", "layers"]}),
    st.fixed_dictionaries(
        {"target_modules": st.sampled_from(["all-linear", r".*_proj", r".*(?<!0\.)v_proj|out"])},
        optional={"exclude_modules": st.sampled_from([r"decoder\..*", ["layers.0.q_proj"]])},
    ),
)


@settings(max_examples=25, phases=[Phase.explicit, Phase.generate])
@given(SETTINGS, TARGETS)
def test_what_is_read_computes_what_peft_computes(tmp_path_factory, given_settings, targets):
    from peft.utils.error import NoMatchingPeftModuleError

    folder = tmp_path_factory.mktemp("adapter")
    if given_settings.get("init_lora_weights") == "orthogonal":
        given_settings = {**given_settings, "r": 4, "rank_pattern": {}}  # PEFT needs an even rank
    if given_settings.get("init_lora_weights") == "mica" and "out" in str(targets):
        given_settings = {**given_settings, "r": 2, "rank_pattern": {}}  # at most the module's smaller side
    try:
        expected = written_by_peft(folder, **given_settings, **targets)
    except NoMatchingPeftModuleError:  # these settings exclude every module that they name
        reject()
    except RuntimeError:  # PEFT sorts the patterns as it saves them, after which another one may be the first to match
        assert "do not have the rank" in refusal(folder)
        return
    base = network()
    plain = base(VALUES)
    mount_lora(base, read_lora(folder), "robust")
    assert torch.equal(base(VALUES), plain)
    with using_lora(base, "robust", {"robust"}):
        assert torch.allclose(base(VALUES), expected, rtol=1e-5, atol=1e-6)
    unmount_lora(base, "robust")
    assert torch.equal(base(VALUES), plain)


def test_an_adapter_that_began_as_eva_computes_what_peft_computes(tmp_path):
    from peft import EvaConfig

    expected = written_by_peft(tmp_path, r=2, init_lora_weights="eva", eva_config=EvaConfig())
    base = network()
    mount_lora(base, read_lora(tmp_path), "robust")
    with using_lora(base, "robust", {"robust"}):
        assert torch.allclose(base(VALUES), expected, rtol=1e-5, atol=1e-6)


@pytest.fixture
def plain(tmp_path):
    """A function that changes fields of a plain adapter's config and returns the folder."""
    written_by_peft(tmp_path, r=2)

    def changed(**fields):
        config = json.loads((tmp_path / CONFIG).read_text()) | fields
        (tmp_path / CONFIG).write_text(json.dumps(config))
        return tmp_path

    return changed


def refusal(folder):
    before = network()
    with pytest.raises(AdapterError) as caught:
        mount_lora(before, read_lora(folder), "robust")
    assert not hasattr(before, "peft_config")
    line = str(caught.value)
    assert line.startswith(str(folder))
    assert "\n" not in line
    return line


@pytest.mark.parametrize(
    ("field", "value", "named"),
    [
        *(
            ("init_lora_weights", value, f"'{value}'")
            for value in ("pissa", "pissa_niter_4", "PiSSA", "olora", "corda")
        ),
        *(("init_lora_weights", value, f"'{value}'") for value in ("loftq", "lora_ga", "milora", "unheard_of")),
        ("use_dora", True, "DoRA (use_dora)"),
        ("alora_invocation_tokens", [5, 7], "aLoRA (alora_invocation_tokens)"),
        ("layer_replication", [[0, 2], [1, 2]], "layer replication (layer_replication)"),
        ("target_parameters", ["encoder.weight"], "target_parameters = ['encoder.weight']"),
        ("trainable_token_indices", [1], "trainable_token_indices"),
        ("lora_bias", True, "lora_bias"),
        ("use_qalora", True, "QALoRA"),
        ("use_bdlora", {"nblocks": 2}, "BD-LoRA"),
        ("arrow_config", {"top_k": 3}, "Arrow"),
        ("kasa_config", {"beta": 1}, "KaSA"),
        ("velora_config", {"num_groups": 2}, "VeLoRA"),
        ("monteclora_config", {"num_samples": 8}, "Monteclora"),
        ("megatron_config", {"a": 1}, "Megatron"),
        ("modules_to_save", ["out"], "modules_to_save"),
        ("ensure_weight_tying", True, "ensure_weight_tying"),
        ("fan_in_fan_out", True, "fan_in_fan_out"),
        ("bias", "lora_only", "bias 'lora_only'"),
        ("peft_type", "ADALORA", "peft_type ADALORA"),
        ("a_field_of_a_later_peft", 3, "a_field_of_a_later_peft = 3"),
        ("a_field_of_a_later_peft", True, "a_field_of_a_later_peft = True"),
        ("r", 3, "8 modules"),
        ("r", 1, "r or rank_pattern says 1"),
        ("rank_pattern", {"q_proj": 4}, "q_proj has rank 2, r or rank_pattern says 4"),
        ("rank_pattern", {"(": 4}, "is no regular expression"),
        ("layers_pattern", "lay(er)*s", "needs layers_to_transform"),
        ("lora_alpha", 1e30, "lora_alpha"),
        ("lora_alpha", float("nan"), "lora_alpha"),
        ("lora_alpha", float("inf"), "lora_alpha"),
        ("lora_alpha", 5000, "alpha / rank = 2500 is outside -1000..1000"),
        ("alpha_pattern", {"q_proj": 1e5}, "is outside -1000..1000"),
        ("alpha_pattern", {"q_proj": float("nan")}, "alpha_pattern"),
        ("target_modules", "((a+)+$|(.*)*)x", "unexpected"),
        ("exclude_modules", r"(.)\1*", "groupref"),
        ("mega_lora_blocks", "mega_lora_blocks.json", "mega_lora_blocks.json is missing"),
    ],
)
def test_what_is_not_understood_is_refused_by_name(plain, field, value, named):
    assert named in refusal(plain(**{field: value}))


def test_every_field_of_the_installed_peft_is_decided(plain):
    """A field that the reader does not know is taken at PEFT's default, and refused at any other value."""
    from peft import LoraConfig

    for one in dataclasses.fields(LoraConfig):
        if one.name in WITHOUT_EFFECT or one.name in AdapterConfig.model_fields:
            continue
        config = (plain() / CONFIG).read_text()
        assert read_lora(plain()).modules
        assert one.name in refusal(plain(**{one.name: ["another value"]})), one.name
        (plain() / CONFIG).write_text(config)


@pytest.mark.parametrize("kind", CHANGES_THE_BASE[:2])
def test_an_adapter_that_began_in_the_bases_weights_says_what_to_do(tmp_path, kind):
    written_by_peft(tmp_path, r=2, init_lora_weights=kind)
    assert "path_initial_model_for_weight_conversion" in refusal(tmp_path)


def test_what_peft_has_converted_to_a_plain_adapter_is_taken(tmp_path):
    from peft import LoraConfig, get_peft_model

    with warnings.catch_warnings(), torch.random.fork_rng():
        warnings.simplefilter("ignore")
        torch.manual_seed(1)
        config = LoraConfig(r=2, init_lora_weights=True, target_modules=list(PARTS))
        adapted = get_peft_model(network(), config)
        adapted.peft_config["default"].init_lora_weights = True
        adapted.save_pretrained(tmp_path / "start")
        adapted = get_peft_model(network(), LoraConfig(r=2, init_lora_weights="pissa", target_modules=list(PARTS)))
        adapted.peft_config["default"].init_lora_weights = True
        adapted.save_pretrained(tmp_path / "start")
        adapted.peft_config["default"].init_lora_weights = "pissa"
        for name, weight in adapted.named_parameters():
            if ".lora_" in name:
                weight.data += 0.1 * torch.randn(weight.shape)
        expected = adapted.eval()(VALUES).detach()
        adapted.save_pretrained(tmp_path / "plain", path_initial_model_for_weight_conversion=str(tmp_path / "start"))
    base = network()
    mount_lora(base, read_lora(tmp_path / "plain"), "robust")
    with using_lora(base, "robust", {"robust"}):
        assert torch.allclose(base(VALUES), expected, atol=1e-5)


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -float("inf")])
def test_a_number_that_is_not_finite_is_refused_by_the_tensors_name(plain, value):
    tensors = load_file(plain() / WEIGHTS)
    key = sorted(tensors)[3]
    tensors[key][1, 1] = value
    save_file(tensors, plain() / WEIGHTS)
    assert f"{key} holds numbers that are not finite" in refusal(plain())


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda one: one[:0] if one.shape[0] == 2 else one[:, :0], "has shape"),
        (lambda one: one.reshape(-1), "are expected"),
        (lambda one: one.long(), "floating-point"),
        (lambda one: one.half() * 0 + 60_000 if one.shape[0] == 2 else one, ""),
    ],
    ids=["rank 0", "no matrix", "integers", "large"],
)
def test_tensors_of_another_form(plain, change, reason):
    import re

    folder = plain()
    save_file({key: change(one).contiguous() for key, one in load_file(folder / WEIGHTS).items()}, folder / WEIGHTS)
    if reason:
        assert re.search(reason, refusal(folder))
    else:
        assert mount_lora(network(), read_lora(folder), "robust").num_keys == 16


def test_one_adapter_of_two_lengths_of_names_is_refused(plain):
    tensors = load_file(plain() / WEIGHTS)
    key = min(tensors)
    save_file({**tensors, key.removeprefix("base_model.model."): tensors[key].clone()}, plain() / WEIGHTS)
    assert "under two names" in refusal(plain())


def test_a_module_whose_name_ends_like_anothers_gets_no_adapter(tmp_path):
    """`proj` is adapted, and `inner.proj` is not."""

    class Pair(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.proj = torch.nn.Linear(4, 4)
            self.inner = torch.nn.ModuleDict({"proj": torch.nn.Linear(4, 4)})

    tensors = {"proj.lora_A.weight": torch.ones(1, 4), "proj.lora_B.weight": torch.ones(4, 1)}
    save_file(tensors, tmp_path / WEIGHTS)
    (tmp_path / CONFIG).write_text(json.dumps({"r": 1, "lora_alpha": 1, "target_modules": "proj"}))
    pair = Pair()
    assert mount_lora(pair, read_lora(tmp_path), "robust").modules == ("proj",)
    assert type(pair.inner["proj"]) is torch.nn.Linear


def test_the_shipped_adapter_is_refused_without_the_file_of_its_scales(tmp_path):
    import shutil
    from importlib.resources import files

    shutil.copytree(str(files("megaasr_plugins") / "weights" / "whisper-tiny.en"), tmp_path / "shipped")
    (tmp_path / "shipped" / "mega_lora_blocks.json").unlink()
    with pytest.raises(AdapterError, match=r"mega_lora_blocks\.json is missing, and adapter_config\.json says"):
        read_lora(tmp_path / "shipped")
    path = tmp_path / "shipped" / CONFIG
    path.write_text(json.dumps({k: v for k, v in json.loads(path.read_text()).items() if k != "mega_lora_blocks"}))
    with pytest.raises(AdapterError, match=r"has rank 4, r or rank_pattern says 32\); if the adapter had a file"):
        read_lora(tmp_path / "shipped")

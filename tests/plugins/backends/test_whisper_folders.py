"""A damaged model folder is one line that names it and its file, or loads and decodes."""

import json
import os
import shutil
import struct

import pytest
import torch
from safetensors.torch import load_file, save_file

from megaasr import BackendError, unit_identity
from megaasr_plugins.backends.whisper import Whisper
from tests.plugins.few_tokens import FewTokens

CONFIG, GENERATION, FEATURES = "config.json", "generation_config.json", "preprocessor_config.json"
WEIGHTS, TOKENIZER = "model.safetensors", "tokenizer.json"


@pytest.fixture
def folder(small_folder, tmp_path):
    return shutil.copytree(small_folder, tmp_path / "model")


def outcome(folder, clips):
    """The line of the refusal, or the transcripts of a model that loads."""
    backend = Whisper.create({"model": str(folder), "device": "cpu"})
    try:
        backend.load()
    except BackendError as error:
        line = str(error)
        assert "\n" not in line
        assert len(line) < 600
        assert str(folder) in line
        assert backend._loaded is None
        assert backend._processor is None
        return line
    return backend.transcribe(clips, FewTokens())


def fields(name, **changes):
    def change(folder):
        data = json.loads((folder / name).read_text()) | changes
        (folder / name).write_text(json.dumps({key: value for key, value in data.items() if value != "dropped"}))

    return change


def content(name, data):
    return lambda folder: (folder / name).write_bytes(data)


def truncated(name):
    return lambda folder: (folder / name).write_bytes(
        (folder / name).read_bytes()[: (folder / name).stat().st_size // 2]
    )


def tensors(change):
    def changed(folder):
        found = load_file(folder / WEIGHTS)
        change(found)
        save_file({key: one.contiguous() for key, one in found.items()}, folder / WEIGHTS, {"format": "pt"})

    return changed


def as_folder(name):
    def changed(folder):
        (folder / name).unlink()
        (folder / name).mkdir()

    return changed


def as_loop(name):
    def changed(folder):
        (folder / name).unlink()
        (folder / name).symlink_to(folder / name)

    return changed


def as_fifo(name):
    def changed(folder):
        (folder / name).unlink()
        os.mkfifo(folder / name)

    return changed


def without_tokens(folder):
    data = json.loads((folder / TOKENIZER).read_text())
    data["model"] |= {"vocab": {}, "merges": []}
    (folder / TOKENIZER).write_text(json.dumps(data))


def of_another_language(folder):
    data = json.loads((folder / TOKENIZER).read_text())
    data["added_tokens"] += [
        {**data["added_tokens"][-1], "id": 51864 + number, "content": f"<|more {number}|>"} for number in range(2)
    ]
    (folder / TOKENIZER).write_text(json.dumps(data))


EMBEDDING = "model.decoder.embed_tokens.weight"
FC1 = "model.encoder.layers.1.fc1.weight"
BOMB = struct.pack("<Q", 2**40) + b"{}"
READ = (CONFIG, TOKENIZER, GENERATION, FEATURES, WEIGHTS)
REFUSED = {
    **{f"no {name}": (lambda folder, name=name: (folder / name).unlink(), name) for name in READ if name != CONFIG},
    **{f"empty {name}": (content(name, b""), name) for name in READ},
    **{f"garbage {name}": (content(name, b"\x93\x00\xff" * 50), name) for name in READ},
    **{f"half {name}": (truncated(name), name) for name in READ},
    **{f"a folder as {name}": (as_folder(name), name) for name in READ if name != CONFIG},
    **{f"a loop as {name}": (as_loop(name), name) for name in READ if name != CONFIG},
    **{f"a list in {name}": (content(name, b"[]"), name) for name in READ[:4]},
    **{f"deep {name}": (content(name, b"[" * 100_000), name) for name in READ[:4]},
    "a FIFO as config": (as_fifo(CONFIG), CONFIG),
    "a FIFO as weights": (as_fifo(WEIGHTS), WEIGHTS),
    "another architecture": (fields(CONFIG, model_type="llama"), CONFIG),
    "no architecture": (fields(CONFIG, model_type="dropped"), CONFIG),
    "a width of 1e9": (fields(CONFIG, d_model=10**9), "d_model"),
    "a width of 48": (fields(CONFIG, d_model=48), WEIGHTS),
    "no width": (fields(CONFIG, d_model="dropped"), "d_model"),
    "1e9 layers": (fields(CONFIG, encoder_layers=10**9), "encoder_layers"),
    "fewer layers": (fields(CONFIG, decoder_layers=1), "2 layers in the decoder"),
    "more layers": (fields(CONFIG, decoder_layers=3), "2 layers in the decoder"),
    "no heads": (fields(CONFIG, encoder_attention_heads=0), "encoder_attention_heads"),
    "odd heads": (fields(CONFIG, decoder_attention_heads=5), "decoder_attention_heads = 5"),
    "a larger vocabulary": (fields(CONFIG, vocab_size=51_865), EMBEDDING),
    "text for a size": (fields(CONFIG, vocab_size="many"), "vocab_size"),
    "an unknown activation": (fields(CONFIG, activation_function="no such"), "model"),
    "other mels": (fields(FEATURES, feature_size=128), "feature_size = 128"),
    "another rate": (fields(FEATURES, sampling_rate=8000), "sampling_rate"),
    "a hop of nothing": (fields(FEATURES, hop_length=0), "hop_length"),
    "a huge transform": (fields(FEATURES, n_fft=10**12), "n_fft"),
    "no end of text": (fields(GENERATION, eos_token_id=None), "eos_token_id"),
    "a token outside": (fields(GENERATION, no_timestamps_token_id=99_999), "token 99999"),
    "suppressed outside": (fields(GENERATION, suppress_tokens=[10**7]), "token 10000000"),
    "suppressed text": (fields(GENERATION, suppress_tokens=["a"]), "suppress_tokens"),
    "a token in quotes": (fields(GENERATION, suppress_tokens=[1, "40493"]), "suppress_tokens.1 = '40493'"),
    "an end in quotes": (fields(GENERATION, eos_token_id="50256"), "eos_token_id"),
    "padding on no side": (fields(FEATURES, padding_side="righ"), "padding_side = 'righ'"),
    "padding by noise": (fields(FEATURES, padding_value=1e30), "padding_value"),
    **{
        f"{name} {value}": (fields(CONFIG, **{name: value}), name)
        for name in ("dropout", "attention_dropout", "activation_dropout", "encoder_layerdrop")
        for value in (1e308, -0.1)
    },
    "no languages": (fields(GENERATION, is_multilingual=True), "lang_to_id"),
    "a tokenizer without tokens": (without_tokens, "tokenizer"),
    "a tokenizer of another model": (of_another_language, "51866 tokens"),
    "a missing weight": (tensors(lambda one: one.pop(FC1)), "fc1"),
    "a misshapen weight": (tensors(lambda one: one.update({FC1: torch.zeros(3, 3)})), WEIGHTS),
    "NaN": (tensors(lambda one: one[FC1][0].fill_(float("nan"))), f"{FC1} holds numbers that are not finite"),
    "infinity": (tensors(lambda one: one[EMBEDDING][7].fill_(float("inf"))), "are not finite"),
    "no weights": (tensors(lambda one: one.clear()), "is missing"),
    "a huge head": (content(WEIGHTS, BOMB), WEIGHTS),
    "an adapter": (content("adapter_config.json", b"{}"), "adapter_config.json"),
}


@pytest.mark.parametrize("mutant", REFUSED)
def test_a_damaged_folder_is_one_line(folder, capfd, mutant):
    change, named = REFUSED[mutant]
    change(folder)
    line = outcome(folder, [])
    assert isinstance(line, str), line
    assert named in line
    assert capfd.readouterr().err == ""
    assert line.startswith((f"backend whisper: cannot load model '{folder}': ", f"backend whisper: {folder} holds no"))


SAME = {
    "no tokenizer_config.json": lambda folder: (folder / "tokenizer_config.json").unlink(),
    "unknown fields": fields(CONFIG, a_field_of_later=3, _name_or_path="elsewhere"),
    "no suppressed tokens": fields(GENERATION, suppress_tokens=None, begin_suppress_tokens=None),
    "several ends of text": fields(GENERATION, eos_token_id=[50256]),
    "a further file": content("notes.txt", b"\xff"),
}


@pytest.mark.parametrize("mutant", SAME)
def test_what_is_whole_loads_and_decodes(folder, noise_clips, mutant):
    SAME[mutant](folder)
    heard = outcome(folder, noise_clips[:1])
    assert not isinstance(heard, str), heard
    assert heard[0].num_tokens > 0


def test_weights_in_several_files_are_read_whole(folder, noise_clips):
    from transformers import WhisperForConditionalGeneration

    whole = outcome(folder, noise_clips[:1])
    model = WhisperForConditionalGeneration.from_pretrained(folder)
    (folder / WEIGHTS).unlink()
    model.save_pretrained(folder, max_shard_size="3MB")
    shards = sorted(folder.glob("model-*.safetensors"))
    assert len(shards) > 1
    assert outcome(folder, noise_clips[:1])[0].token_ids == whole[0].token_ids
    shards[-1].unlink()
    assert shards[-1].name in outcome(folder, [])


@pytest.mark.parametrize("mutant", ["a missing weight", "a misshapen weight"])
def test_a_refused_model_leaves_the_random_numbers_of_torch_as_they_were(folder, mutant):
    REFUSED[mutant][0](folder)
    state = torch.get_rng_state()
    assert isinstance(outcome(folder, []), str)
    assert torch.equal(torch.get_rng_state(), state)


def test_weights_that_exceed_what_floats_hold_name_the_model_and_the_recording(folder, noise_clips):
    tensors(lambda one: one[EMBEDDING][0].fill_(3e38))(folder)
    with pytest.raises(BackendError, match=r"not finite") as caught:
        outcome(folder, noise_clips[:1])
    assert str(folder) in str(caught.value)
    assert noise_clips[0].name in str(caught.value)


@pytest.mark.parametrize("damage", [content(WEIGHTS, BOMB), content(WEIGHTS, b"x"), truncated(WEIGHTS)])
def test_broken_weights_of_a_hub_id_are_one_line_and_no_service_is_asked(folder, tmp_path, monkeypatch, damage):
    from huggingface_hub import constants

    damage(folder)
    monkeypatch.delenv("DISABLE_SAFETENSORS_CONVERSION", raising=False)
    home = tmp_path / "hub" / "models--someone--whisper-small"
    (home / "refs").mkdir(parents=True)
    (home / "refs" / "main").write_text("0" * 40)
    shutil.copytree(folder, home / "snapshots" / ("0" * 40))
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(home.parent))
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    backend = Whisper.create({"model": "someone/whisper-small", "device": "cpu"})
    with pytest.raises(BackendError) as caught:
        backend.load()
    line = str(caught.value)
    assert line.startswith("backend whisper: cannot load model 'someone/whisper-small': SafetensorError: ")
    assert "\n" not in line
    assert os.environ["DISABLE_SAFETENSORS_CONVERSION"] == "1"


def test_a_panic_of_a_library_is_one_line_and_an_interrupt_is_none(folder, monkeypatch):
    from transformers import WhisperProcessor

    class PanicException(BaseException):
        """As libraries in Rust raise it."""

    def fails(error):
        def from_pretrained(*_, **__):
            raise error

        monkeypatch.setattr(WhisperProcessor, "from_pretrained", from_pretrained)

    fails(PanicException("range end"))
    assert "PanicException: range end" in outcome(folder, [])
    fails(KeyboardInterrupt())
    with pytest.raises(KeyboardInterrupt):
        outcome(folder, [])


def test_a_model_is_the_files_that_are_read_of_it(folder, tmp_path, monkeypatch):
    from huggingface_hub import constants

    def files(model):
        return unit_identity(Whisper.create({"model": str(model), "device": "cpu"}))["files"]

    before = files(folder)
    (folder / "README.md").write_text("a model")
    (folder / "checkpoint-10").mkdir()
    (folder / "checkpoint-10" / "optimizer.safetensors").write_text("steps")
    assert files(folder) == before
    home = tmp_path / "hub" / "models--someone--whisper-small"
    (home / "refs").mkdir(parents=True)
    (home / "refs" / "main").write_text("0" * 40)
    shutil.copytree(folder, home / "snapshots" / ("0" * 40))
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(home.parent))
    assert files("someone/whisper-small") == before
    assert files("someone/never-loaded") == "missing"
    data = bytearray((folder / WEIGHTS).read_bytes())
    data[-1] ^= 1
    (folder / WEIGHTS).write_bytes(data)
    assert files(folder) != before

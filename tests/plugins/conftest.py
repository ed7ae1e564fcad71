"""Fixtures of model folders: the packaged tiny.en, and a random Whisper that is small enough to train in seconds."""

import json
import shutil

import pytest

from megaasr_plugins.backends.tiny_model import tiny_english_folder


@pytest.fixture(scope="session")
def tiny_folder(tmp_path_factory):
    return tiny_english_folder(tmp_path_factory.mktemp("cache"))


@pytest.fixture(scope="session")
def small_folder(tiny_folder, tmp_path_factory):
    """A Whisper with the tokeniser and features of tiny.en and random weights: 2 layers, width 32."""
    import torch
    from transformers import WhisperConfig, WhisperForConditionalGeneration

    folder = tmp_path_factory.mktemp("small") / "whisper"
    shutil.copytree(tiny_folder, folder)
    config = WhisperConfig.from_pretrained(tiny_folder)
    config.update({"d_model": 32, "encoder_layers": 2, "decoder_layers": 2, "encoder_attention_heads": 2})
    config.update({"decoder_attention_heads": 2, "encoder_ffn_dim": 64, "decoder_ffn_dim": 64, "dtype": "float32"})
    with torch.random.fork_rng():
        torch.manual_seed(0)
        WhisperForConditionalGeneration(config).save_pretrained(folder)
    shutil.copy(tiny_folder / "generation_config.json", folder)
    return folder


@pytest.fixture(scope="session")
def multilingual_folder(small_folder, tmp_path_factory):
    """The small model with the settings of a model of three languages."""
    folder = tmp_path_factory.mktemp("multilingual") / "whisper"
    shutil.copytree(small_folder, folder)
    path = folder / "generation_config.json"
    settings = json.loads(path.read_text())
    settings |= {"is_multilingual": True, "lang_to_id": {"<|en|>": 50259, "<|fr|>": 50265, "<|zh|>": 50260}}
    settings |= {"task_to_id": {"transcribe": 50358, "translate": 50357}}
    path.write_text(json.dumps(settings))
    return folder

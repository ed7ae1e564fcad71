"""An adapter of another base is refused by name, though its tensors have the same shapes."""

from types import SimpleNamespace

import pytest

from megaasr import AdapterError, BackendError
from megaasr_plugins.backends.whisper_checks import check_base, check_logprobs

FORMS = {
    "tiny": (384, 4, 4, 80, True),
    "tiny.en": (384, 4, 4, 80, False),
    "small": (768, 12, 12, 80, True),
    "small.en": (768, 12, 12, 80, False),
    "large-v2": (1280, 32, 32, 80, True),
    "large-v3": (1280, 32, 32, 128, True),
    "large-v3-turbo": (1280, 32, 4, 128, True),
}


def model(form):
    width, encoder, decoder, mels, multilingual = FORMS[form]
    config = SimpleNamespace(d_model=width, encoder_layers=encoder, decoder_layers=decoder, num_mel_bins=mels)
    return SimpleNamespace(config=config, generation_config=SimpleNamespace(is_multilingual=multilingual))


@pytest.mark.parametrize(
    ("stated", "mounted", "form"),
    [
        (None, "tiny.en", "tiny.en"),
        ("", "tiny.en", "tiny.en"),
        ("whisper", "tiny.en", "tiny.en"),
        ("openai/whisper-tiny.en", "tiny.en", "tiny.en"),
        ("/root/.cache/megaasr/whisper-tiny.en-1a5afae06a4d-1", "tiny.en", "tiny.en"),
        ("/hub/models--openai--whisper-tiny.en/snapshots/87c7102498dc", "tiny.en", "tiny.en"),
        (r"C:\models\whisper-tiny.en" + "\\", "tiny.en", "tiny.en"),
        ("/data/whisper-tiny-runs/checkpoint-100", "tiny.en", "tiny.en"),
        ("openai/whisper-small", "/models/whisper-small", "small"),
        ("mirror/whisper-small", "openai/whisper-small", "small"),
        ("/models/my-model", "/elsewhere/other-model", "small"),
        ("me/whisper-small-en-calls", "/models/calls", "small.en"),
        ("me/whisper-small-hi", "/models/hindi", "small"),
        ("openai/whisper-large-v3-turbo", "/models/turbo", "large-v3-turbo"),
        ("whisper {'model': '/a/whisper-small', 'device': 'cpu'}", "openai/whisper-small", "small"),
        ("distil-whisper/distil-whisper-large-v3", "/models/distil", "large-v3-turbo"),
    ],
)
def test_the_same_base_under_any_path_is_taken(tmp_path, stated, mounted, form):
    check_base(stated, mounted, model(form), tmp_path)


@pytest.mark.parametrize(
    ("stated", "mounted", "form"),
    [
        ("openai/whisper-tiny", "tiny.en", "tiny.en"),
        ("/home/a/models/whisper-tiny", "tiny.en", "tiny.en"),
        ("/hub/models--openai--whisper-tiny/snapshots/169d4a4341b3", "tiny.en", "tiny.en"),
        ("openai/whisper-tiny.en", "/models/english", "tiny"),
        ("whisper {'model': 'openai/whisper-tiny'}", "tiny.en", "tiny.en"),
        ("openai/whisper-large-v2", "/models/large", "large-v3"),
        ("openai/whisper-large-v3", "/models/large", "large-v2"),
        ("openai/whisper-large-v3", "/models/large", "large-v3-turbo"),
        ("openai/whisper-base", "/models/small", "small"),
        ("me/whisper-small-hi", "openai/whisper-small", "small"),
        ("Qwen/Qwen3-ASR-1.7B", "openai/whisper-small", "small"),
        ("Qwen/Qwen3-ASR-1.7B", "tiny.en", "tiny.en"),
    ],
)
def test_another_base_is_refused_with_both_names(tmp_path, stated, mounted, form):
    with pytest.raises(AdapterError) as caught:
        check_base(stated, mounted, model(form), tmp_path)
    line = str(caught.value)
    assert repr(stated) in line
    assert repr(mounted) in line
    assert "set that field to null" in line


def test_the_refusal_comes_before_anything_is_mounted_and_null_overrides_it(small, make_adapter):
    folder = make_adapter(base_model_name_or_path="openai/whisper-tiny")
    with pytest.raises(AdapterError, match=r"base_model_name_or_path .* is 'openai/whisper-tiny'"):
        small.mount("robust", folder)
    assert not hasattr(small.network, "peft_config")
    assert small.mounted() == ()
    small.mount("robust", make_adapter("other", base_model_name_or_path=None))


def test_log_probabilities_that_are_not_finite_name_their_row():
    import torch

    fine = torch.tensor([-0.5, -20.0])
    check_logprobs([fine, fine], ["a.wav", "b.wav"], "tiny.en")
    for value in (float("nan"), -float("inf")):
        with pytest.raises(BackendError, match=r"b\.wav: model tiny\.en gives log-probabilities that are not finite"):
            check_logprobs([fine, torch.tensor([-0.5, value])], ["a.wav", "b.wav"], "tiny.en")


def test_a_row_that_overflows_fails_alone(small, make_adapter, noise_clips):
    """An adapter with finite weights that are too large gives no numbers; the base beside it does."""
    from safetensors.torch import load_file, save_file

    from tests.plugins.few_tokens import FewTokens

    folder = make_adapter()
    path = folder / "adapter_model.safetensors"
    save_file({key: 1e37 * one for key, one in load_file(path).items()}, path)
    small.mount("robust", folder)
    with pytest.raises(BackendError, match=r"noise 1: model .* gives log-probabilities that are not finite"):
        small.transcribe(noise_clips[:1], FewTokens(), ["robust"])
    assert small.transcribe(noise_clips[:1], FewTokens())[0].num_tokens > 0

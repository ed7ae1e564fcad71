"""A row's language reaches decoding and training; a model that does not know it fails the row alone."""

import json

import numpy as np
import pytest
import soundfile

from megaasr import (
    BackendError,
    ManifestError,
    ParameterError,
    Transcriber,
    Utterance,
    installed_plugins,
    located_rows,
    read_audio,
)
from megaasr_plugins.backends.whisper import Whisper
from megaasr_plugins.corpus.labelling.label import labelled_rows
from megaasr_plugins.evaluation.evaluate import evaluate, read_items
from megaasr_plugins.training.clip_dataset import ClipDataset
from megaasr_plugins.training.objective import Collator
from megaasr_plugins.training.training_clips import Source, open_clips

CODES = {"en": 50259, "fr": 50265, "zh": 50260}
ROWS = [("a", "hello", "en"), ("b", "你好", "zh"), ("c", "bonjour", "fr"), ("d", "no language", None)]


@pytest.fixture
def manifest(tmp_path):
    rng = np.random.default_rng(0)
    lines = []
    for name, text, language in ROWS:
        soundfile.write(tmp_path / f"{name}.wav", 0.1 * rng.standard_normal(8_000), 16_000)
        lines.append({"audio": f"{name}.wav", "text": text, **({"language": language} if language else {})})
    (tmp_path / "in.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    return tmp_path / "in.jsonl"


def opened(folder, **settings):
    return Transcriber.open(
        backend="whisper",
        backend_settings={"model": str(folder), "device": "cpu"},
        options={"min_tokens": 2, "tokens_per_second": 1.0},
        **settings,
    )


@pytest.fixture
def prompts(monkeypatch):
    """The language tokens that decoding was prompted with, in order."""
    from megaasr_plugins.backends import whisper, whisper_decoding

    seen = []
    monkeypatch.setattr(whisper, "went_astray", lambda heard: False)  # else what a random model loops on comes twice
    original = whisper_decoding.beams

    def watched(model, hidden, prompt, *rest):
        seen.extend(prompt[:, 1].tolist())
        return original(model, hidden, prompt, *rest)

    monkeypatch.setattr(whisper_decoding, "beams", watched)
    return seen


@pytest.mark.parametrize("default", [None, "fr"])
def test_each_row_is_decoded_in_its_own_language(multilingual_folder, manifest, prompts, default):
    transcriber = opened(multilingual_folder, language=default)
    rows = list(evaluate(read_items(manifest, default), transcriber))
    assert not any("error" in row for row in rows)
    assert prompts[:3] == [CODES["en"], CODES["zh"], CODES["fr"]]
    if default is None:  # the model's own choice
        alone = transcriber.transcribe(manifest.parent / "d.wav").language
        assert prompts[3] == CODES[alone]
    else:
        assert prompts[3] == CODES["fr"]
    assert [row["metric"] for row in rows] == ["wer", "cer", "wer", "wer"]


def test_names_tags_and_other_codes_reach_the_model_in_evaluation_labelling_and_calls(
    multilingual_folder, manifest, prompts
):
    rows = [json.loads(line) for line in manifest.read_text().splitlines()[:3]]
    for row, language in zip(rows, ("eng", "Mandarin Chinese", "fr_FR.UTF-8"), strict=True):
        row["language"] = language
    manifest.write_text("".join(json.dumps(row) + "\n" for row in rows))
    transcriber = opened(multilingual_folder)
    expected = [CODES["en"], CODES["zh"], CODES["fr"]]
    assert [row["language"] for row in evaluate(read_items(manifest), transcriber)] == ["en", "zh", "fr"]
    assert prompts == expected
    labelled = list(labelled_rows(located_rows(manifest), manifest.parent, transcriber))
    assert all("base_wer" in row for row in labelled)
    assert prompts == expected * 2
    audio = read_audio(manifest.parent / "a.wav")
    assert transcriber.transcribe(Utterance(audio, "CHI")).language == "zh"
    with pytest.raises(ParameterError, match=r"language 'frensh': .*did you mean 'french'"):
        transcriber.transcribe(Utterance(audio, "frensh"))


def test_the_parts_of_librispeech_are_no_languages(manifest):
    rows = [{"audio": "a.wav", "text": "x", "subset": part} for part in ("train-clean-100", "dev-other", "test-zh-far")]
    manifest.write_text("".join(json.dumps(row) + "\n" for row in rows))
    assert [(item.language, item.stated_language) for item in read_items(manifest)] == [("en", None)] * 3
    assert {item.language for item in read_items(manifest, "deu")} == {"de"}
    manifest.write_text(json.dumps({**rows[0], "subset": "sim-klingn-noise"}))
    with pytest.raises(ManifestError, match="line 1: language 'klingn'"):
        read_items(manifest)


def test_a_row_whose_language_the_model_does_not_know_fails_alone(small_folder, manifest):
    rows = list(evaluate(read_items(manifest), opened(small_folder)))
    assert ["error" in row for row in rows] == [False, True, True, False]
    assert "b.wav: backend whisper does not know the language 'zh'" in rows[1]["error"]


def test_training_prompts_each_row_in_its_own_language(multilingual_folder, manifest):
    backend = Whisper.create({"model": str(multilingual_folder), "device": "cpu"})
    clips = open_clips([Source(manifest=manifest)], installed_plugins())
    assert [clip.language for clip in clips] == ["en", "zh", "fr", "en"]
    passage = ClipDataset(clips, range(4), 16_000, installed_plugins())
    batch = Collator(backend, True)([passage[place] for place in range(4)])
    expected = [CODES[code] for code in ("en", "zh", "fr", "en")]
    assert batch["decoder_input_ids"][:, 1].tolist() == expected
    assert batch["clean_decoder_input_ids"][:, 1].tolist() == expected


def test_a_target_needs_a_language_that_the_model_knows(multilingual_folder, small_folder, manifest):
    audio = open_clips([Source(manifest=manifest)], installed_plugins())
    (utterance, text, _) = ClipDataset(audio, [1], 16_000, installed_plugins())[0]
    with pytest.raises(BackendError, match="this Whisper knows English only, not 'zh'"):
        Whisper.create({"model": str(small_folder), "device": "cpu"}).collate([(utterance, text)])
    with pytest.raises(BackendError, match=r"b\.wav has no language, which a multilingual model needs"):
        Whisper.create({"model": str(multilingual_folder), "device": "cpu"}).collate(
            [(Utterance(utterance.audio), text)]
        )

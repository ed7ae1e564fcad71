"""What a loaded Whisper must be, and what it must give: finite numbers, and a base that an adapter was made for."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from megaasr import AdapterError, BackendError

from .whisper_folder import FolderError

_PUBLISHED = re.compile(r"whisper-(tiny|base|small|medium|large)(?:-(v2|v3))?(-turbo)?(\.en|[-_]en)?(?![a-z0-9])")
_SIZES = {"tiny": (384, 4), "base": (512, 6), "small": (768, 12), "medium": (1024, 24), "large": (1280, 32)}
"""Width and layers of the encoder."""
_HUB_ID = re.compile(r"[A-Za-z0-9][\w.-]*/[\w.-]+")
_CACHED = re.compile(r"models--([\w.-]+?)--([\w.-]+)")


def check_weights(model: Any) -> None:
    """FolderError that names a tensor of the model with a number that is not finite."""
    import torch

    for name, tensor in [*model.named_parameters(), *model.named_buffers()]:
        if tensor.is_floating_point() and tensor.numel():
            smallest, largest = torch.aminmax(tensor.detach())  # NaN where there is one
            if not (smallest.isfinite() and largest.isfinite()):
                raise FolderError(f"{name} holds numbers that are not finite; get a complete copy")


def check_logprobs(logprobs: Sequence[Any], names: Sequence[str], model: str) -> None:
    """BackendError that names the first utterance of which a token's log-probability is not finite.

    Args:
        logprobs: of each row, shape (num_tokens,).
        names: of each row's utterance.
        model: name of the model, for the message.
    """
    for name, row in zip(names, logprobs, strict=True):
        if not row.isfinite().all():
            raise BackendError(
                f"backend whisper: {name}: model {model} gives log-probabilities that are not finite; the recording's "
                "samples, the weights of model or adapter, or half precision exceed what it can compute"
            )


def check_base(stated: str | None, mounted: str, model: Any, folder: Path) -> None:
    """AdapterError when an adapter's config names another base than the one it is to be mounted on.

    A path differs from machine to machine, and so says nothing but its last part: if that names a published Whisper,
    the model must have its size and languages. Two hub ids must be the same.

    Args:
        stated: base_model_name_or_path of the adapter.
        mounted: name of the model as the user gave it.
        model: the loaded model.
        folder: the adapter's, for the message.
    """
    theirs, ours = _name(stated or ""), _name("openai/whisper-tiny.en" if mounted == "tiny.en" else mounted)
    if not theirs or theirs.rpartition("/")[2] == ours.rpartition("/")[2]:
        return
    both_ids = bool(_HUB_ID.fullmatch(theirs) and _HUB_ID.fullmatch(ours)) and not Path(mounted).is_dir()
    if both_ids or _is_other_size(theirs.rpartition("/")[2].lower(), model):
        raise AdapterError(
            f"{folder}: base_model_name_or_path in its adapter_config.json is {str(stated)[:120]!r}, and the "
            f"model is {mounted!r}; load the adapter's own base or, if they are the same, set that field to null"
        )


def _name(stated: str) -> str:
    """What a model is called, without what depends on the machine: a hub id, or the last part of a path."""
    if "'model': '" in stated:  # as training writes it: the backend and its settings
        stated = stated.partition("'model': '")[2].partition("'")[0]
    if cached := _CACHED.search(stated):
        return f"{cached[1]}/{cached[2]}"
    stated = stated.strip().rstrip("/\\")
    return stated if _HUB_ID.fullmatch(stated) else re.split(r"[/\\]", stated)[-1]


def _is_other_size(name: str, model: Any) -> bool:
    """Whether a name of a published Whisper, or of one that was trained further, is not of this model's form."""
    found = _PUBLISHED.search(name)
    if found is None:
        return False
    size, version, turbo, english = found.groups()
    config = model.config
    is_other = (config.d_model, config.encoder_layers) != _SIZES[size]
    is_other |= size == "large" and (config.num_mel_bins == 128) != (version == "v3")
    is_other |= "distil" not in name and bool(turbo) != (size == "large" and config.decoder_layers == 4)
    has_dot = (english or "").startswith(".")
    return is_other or (bool(model.generation_config.is_multilingual) == has_dot and (has_dot or not english))

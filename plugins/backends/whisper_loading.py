"""Loading a Whisper: from its package, a folder, or the hub; a model that cannot be had is one line."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Any

from megaasr import BackendError, MegaasrError, cache_folder, one_line

TINY = "tiny.en"
"""The model that installs as a package."""
HUB_ID = re.compile(r"[\w.-]+/[\w.-]+")
NO_CONVERSION = "DISABLE_SAFETENSORS_CONVERSION"
"""Environment variable that keeps transformers from asking a service to convert the weights of a hub id."""


def source_of(model: str) -> str:
    """The folder or hub id that a model is loaded from; BackendError for what can be neither."""
    if model == TINY:
        from .tiny_model import tiny_english_folder

        return str(tiny_english_folder(cache_folder()))
    folder = Path(model)
    if folder.is_dir() and not (folder / "config.json").is_file():
        raise BackendError(f"backend whisper: {folder} holds no config.json; name a transformers model folder")
    if not folder.is_dir() and not HUB_ID.fullmatch(model):
        raise BackendError(f"backend whisper: {model!r} is no folder, and no hub id such as openai/whisper-small")
    return model


def load_whisper(model: str, device: str, dtype: str) -> tuple[Any, Any]:
    """The WhisperProcessor and the WhisperForConditionalGeneration of a model, checked, in evaluation mode.

    Args:
        device: of torch; ``auto``: the first GPU, if there is one.
        dtype: name of torch's type of the weights.

    Raises:
        BackendError: the model cannot be loaded, or is damaged or no Whisper.
    """
    import torch
    from transformers import WhisperForConditionalGeneration, WhisperProcessor
    from transformers.utils import logging

    from .whisper_checks import check_weights
    from .whisper_folder import FolderError, check_folder, check_loaded
    from .whisper_heard import share_heard

    os.environ.setdefault(NO_CONVERSION, "1")
    source = source_of(model)
    place = device if device != "auto" else "cuda" if torch.cuda.is_available() else "cpu"
    bar_was_on, verbosity = logging.is_progress_bar_enabled(), logging.get_verbosity()
    logging.disable_progress_bar()  # the weights are read in a fraction of a second
    logging.set_verbosity_error()  # what it would report of the weights is checked below
    try:
        if Path(source).is_dir():
            check_folder(Path(source))
        processor = WhisperProcessor.from_pretrained(source)
        with torch.random.fork_rng(devices=[]):  # it draws weights that the file does not have
            loaded: Any = WhisperForConditionalGeneration.from_pretrained(
                source,
                dtype=getattr(torch, dtype),
                use_safetensors=True,
                output_loading_info=True,
                ignore_mismatched_sizes=True,  # so that they are reported by name
            )
        network, report = loaded
        check_loaded(network, processor, report)
        check_weights(network)
        share_heard(network)
        return processor, network.to(place).eval()
    except MegaasrError:
        raise
    except BaseException as error:  # a library in Rust panics with an exception of its own
        if isinstance(error, (KeyboardInterrupt, SystemExit, GeneratorExit)):
            raise
        kind = "" if isinstance(error, (FolderError, OSError, ValueError)) else f"{type(error).__name__}: "
        reason = f"{kind}{one_line(error)}"[:300]
        raise BackendError(f"backend whisper: cannot load model {model!r}: {reason}") from error
    finally:
        logging.set_verbosity(verbosity)
        if bar_was_on:
            logging.enable_progress_bar()

"""The public corpora that `megaasr corpus fetch` knows, one file each."""

from __future__ import annotations

from ....base.errors import unknown_name
from .aishell import AISHELL_1
from .base import Archive, Row, Source
from .common_voice import COMMON_VOICE
from .esc50 import ESC_50
from .librispeech import LIBRISPEECH
from .musan import MUSAN
from .rirs import RIRS, RIRS_NOISES

__all__ = ["SOURCES", "Archive", "Row", "Source", "find_source"]

SOURCES: dict[str, Source] = {
    source.name: source for source in (LIBRISPEECH, COMMON_VOICE, AISHELL_1, MUSAN, ESC_50, RIRS, RIRS_NOISES)
}


def find_source(name: str) -> Source:
    """The corpus of that name; UnknownNameError, with the nearest name, when there is none."""
    source = SOURCES.get(name.lower())
    if source is None:
        raise unknown_name("corpus", name, SOURCES)
    return source

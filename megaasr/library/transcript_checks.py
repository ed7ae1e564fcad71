"""Further checks of a transcript: how far it compresses, and whether it is invented."""

from __future__ import annotations

import zlib
from collections.abc import Sequence


def compression_ratio(text: str) -> float:
    """UTF-8 bytes / zlib bytes, as in Whisper (Radford et al. 2022, section 4.5); 0 for an empty text.

    >>> compression_ratio("") == 0.0 and compression_ratio("la " * 100) > 2.4 > compression_ratio("A short sentence.")
    True
    """
    data = text.strip().encode("utf-8")
    return len(data) / len(zlib.compress(data)) if data else 0.0


def is_invented(hypothesis: Sequence[str], reference: Sequence[str]) -> bool:
    """Whether the hypothesis has words although the reference is empty."""
    return not reference and bool(hypothesis)

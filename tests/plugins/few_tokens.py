"""Bounds of the tokens that make decoding short: a random model never ends a text."""

from __future__ import annotations

from megaasr import DecodingOptions


class FewTokens(DecodingOptions):
    """At most four tokens, and one more a second."""

    tokens_per_second: float = 1.0
    min_tokens: int = 4

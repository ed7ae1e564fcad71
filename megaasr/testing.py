"""The conformance kit: point it at a plugin and get the checks of its kind; see `megaasr_core.testing`."""

from megaasr_core.testing import (
    Case,
    Subject,
    attempt,
    cases,
    conformance,
    essential,
    expect,
    failures,
    one_second,
    plugins_of,
    speech_like,
    synthetic_bank,
)

__all__ = [
    "Case",
    "Subject",
    "attempt",
    "cases",
    "conformance",
    "essential",
    "expect",
    "failures",
    "one_second",
    "plugins_of",
    "speech_like",
    "synthetic_bank",
]

"""Errors that a user can cause. Each message is one line that says what is wrong, where, and what to do."""

from __future__ import annotations

from collections.abc import Iterable


class MegaasrError(Exception):
    """Base class of errors that the caller can correct; the command line prints one line and exits with code 2."""

    def __str__(self) -> str:  # a name in it may hold a line feed, and KeyError would quote it
        return "".join(c if c.isprintable() else ascii(c)[1:-1] for c in Exception.__str__(self))


class AudioError(MegaasrError):
    """Raised for a recording that cannot be read or has an unexpected form."""


class ParameterError(MegaasrError):
    """Raised for a value outside its bounds."""


class UnknownNameError(MegaasrError, KeyError):
    """Raised for a name that is not registered."""


class PluginError(MegaasrError):
    """Raised for a plugin that cannot be loaded or violates its contract."""


class ScenarioError(MegaasrError):
    """Raised for a scenario that cannot be composed."""


class RecipeError(MegaasrError):
    """Raised for a recipe that does not match the audio, the noise or this version."""


class BackendError(MegaasrError):
    """Raised for a recogniser that cannot be loaded or does not support a request."""


class AdapterError(MegaasrError):
    """Raised for an adapter that does not match its base model; no part of it has been applied."""


class ManifestError(MegaasrError):
    """Raised for a manifest that cannot be read or has an invalid row."""


class OutputError(MegaasrError):
    """Raised for an output that cannot be written."""


MOST_NAMES_SHOWN = 12


def one_line(text: object) -> str:
    """Text as one line; messages of other libraries often span several lines."""
    return " ".join(str(text).split())


def shortened(text: str, length: int) -> str:
    """The text, cut behind `length` characters with an ellipsis."""
    return text if len(text) <= length else f"{text[:length]}…"


def unknown_name(kind: str, name: str, known: Iterable[str]) -> UnknownNameError:
    """Build the error for an unregistered name; the message suggests the nearest registered name.

    >>> str(unknown_name("reward", "wer_acuracy", ["wer_accuracy", "anti_repetition"]))
    "unknown reward 'wer_acuracy': did you mean 'wer_accuracy'? (known: anti_repetition, wer_accuracy)"
    """
    from rapidfuzz import fuzz, process

    names = sorted(known)
    near = [match for match, *_ in process.extract(name, names, scorer=fuzz.WRatio, score_cutoff=60, limit=3)]
    hint = f"did you mean {near[0]!r}? " if near else ""
    few = len(names) <= MOST_NAMES_SHOWN
    shown = ", ".join(names) if few else f"{len(names)} names, near it: {', '.join(near) or 'none'}"
    return UnknownNameError(f"unknown {kind} {name!r}: {hint}(known: {shown or 'none'})")

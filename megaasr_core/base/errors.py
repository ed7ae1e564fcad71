"""The errors a user can cause. Each message is one line that says what is wrong, where, and what to do."""

from __future__ import annotations

from collections.abc import Iterable


class MegaasrError(Exception):
    """Base of every error that is the caller's to mend; the command line turns it into one line and exit code 2."""


class AudioError(MegaasrError):
    """A recording that cannot be read, or is not what the caller promised."""


class ParameterError(MegaasrError):
    """A value outside its bounds."""


class UnknownNameError(MegaasrError, KeyError):
    """A name that nothing is registered under."""

    def __str__(self) -> str:  # KeyError would put the message in quotes
        return Exception.__str__(self)


class PluginError(MegaasrError):
    """A plugin that cannot be loaded or breaks its contract."""


class ScenarioError(MegaasrError):
    """A scenario that cannot be composed."""


class RecipeError(MegaasrError):
    """A recipe that does not fit the audio, the noise or this version."""


class BackendError(MegaasrError):
    """A recogniser that cannot be loaded or asked for what it cannot do."""


class AdapterError(MegaasrError):
    """An adapter that does not fit its base model; nothing of it has been applied."""


class ManifestError(MegaasrError):
    """A JSON-lines file with a line that cannot be used."""


class OutputError(MegaasrError):
    """A place that cannot be written to."""


MOST_NAMES_SHOWN = 12


def one_line(text: object) -> str:
    """Fold any text into one line, since messages of other libraries often span several."""
    return " ".join(str(text).split())


def unknown_name(kind: str, name: str, known: Iterable[str]) -> UnknownNameError:
    """Build the error for an unregistered name, with the nearest registered one suggested.

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

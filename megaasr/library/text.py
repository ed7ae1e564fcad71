"""Normalisation and tokenisation for scoring, by the normaliser that is registered for the language."""

from __future__ import annotations

import os
from collections.abc import Callable
from functools import lru_cache

from megaasr_core.base.errors import ParameterError, PluginError, unknown_name
from megaasr_core.base.language import language_code
from megaasr_core.discovery.loading import installed_plugins
from megaasr_core.discovery.plugins import Plugins
from megaasr_core.discovery.registry import IN_TREE

from .normalisers.base import Normaliser

CHOICE = "MEGAASR_NORMALISERS"
"""Environment variable that chooses where several are registered for one language: ``zh=mine,th=thai_words``."""
_used: list[Plugins] = []
"""The plugins of `use_normalisers_of`, at most one: rewards normalise deep inside calls that know no plugins."""


def normalise(text: str, language: str = "en") -> str:
    """Normalise text so that differences of spelling and formatting do not count as errors.

    >>> normalise("Mr. Smith's colour isn't twenty-one!")
    'mister smith is color is not 21'
    """
    code = language_code(language)
    return _normaliser_of(code).normalise(text, code)


def tokenise(text: str, language: str = "en") -> list[str]:
    """The normalised words of a text, or its normalised characters where the language is scored by character.

    >>> tokenise("Hello, world!"), tokenise("你好，世界", "zh")
    (['hello', 'world'], ['你', '好', '世', '界'])
    """
    return tokeniser_of(language)(text)


def tokeniser_of(language: str) -> Callable[[str], list[str]]:
    """`tokenise` of one language, whose normaliser is looked up once: for many texts."""
    code = language_code(language)
    normaliser = _normaliser_of(code)
    return lambda text: normaliser.tokenise(text, code)


def is_scored_by_character(language: str) -> bool:
    """Whether the tokens are characters (CER) instead of words (WER), as the language's normaliser says."""
    return _normaliser_of(language_code(language)).unit == "character"


def normaliser_version(language: str = "en") -> str:
    """Name and version of the normaliser; error rates are comparable only if they are equal."""
    return _version(language_code(language), _in_use(), os.environ.get(CHOICE, ""))


@lru_cache(maxsize=256)  # a reward asks for every sample, and the libraries' versions are read from their files
def _version(code: str, plugins: Plugins, choices: str) -> str:
    one = _only(code, plugins, choices)
    owner = plugins.registry("normaliser").owner(one.name)
    return one.described() + ("" if owner.distribution == IN_TREE else f" of {owner.origin}")


def use_normalisers_of(plugins: Plugins) -> None:
    """Let this process normalise by those plugins; else, or if they have no such kind, it is by the installed ones."""
    _used[:] = [plugins] if any(kind.name == Normaliser.kind for kind in plugins.kinds) else []


def _in_use() -> Plugins:
    return _used[0] if _used else installed_plugins()


def _normaliser_of(code: str) -> Normaliser:
    return _only(code, _in_use(), os.environ.get(CHOICE, ""))


@lru_cache(maxsize=256)
def _only(code: str, plugins: Plugins, choices: str) -> Normaliser:
    """The one normaliser of a language; PluginError where it has none, or several and none is chosen."""
    registry = plugins.registry("normaliser")
    if (chosen := _chosen(choices).get(code)) is not None:
        if chosen not in registry:
            raise unknown_name(f"normaliser in {CHOICE},", chosen, registry)
        return _built(registry[chosen])
    own = [name for name in registry if code in registry[name].languages]
    found = own or [name for name in registry if not registry[name].languages]
    if len(found) > 1:
        owners = " and ".join(f"{name} of {registry.owner(name)}" for name in found)
        raise PluginError(
            f"language {code} has the normalisers {owners}; choose one, for example {CHOICE}={code}={found[0]}, "
            "or leave one out with --disable-plugin"
        )
    if not found:
        raise PluginError(f"language {code}: no normaliser is registered; enable normaliser.words or install another")
    return _built(registry[found[0]])


def _built(unit: type[Normaliser]) -> Normaliser:
    return unit.create()


def _chosen(choices: str) -> dict[str, str]:
    """Language code -> name of its normaliser, from the text of the variable."""
    chosen = {}
    for pair in filter(None, choices.split(",")):
        language, equals, name = pair.partition("=")
        if not equals:
            raise ParameterError(f"{CHOICE}: {pair!r}: LANGUAGE=NORMALISER is expected, for example zh=chinese")
        chosen[language_code(language)] = name.strip()
    return chosen

"""The conformance kit: point it at a plugin and get the checks of its kind.

In a test file::

    from megaasr_core.testing import conformance

    @conformance("degradation:telephone")
    def test_conformance(check):
        check()

or without one: ``pytest --megaasr degradation:telephone [--megaasr-plugin FILE_OR_MODULE]``.

The names are imported when first used, since the pytest plugin in this folder is loaded by every run of pytest.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .kit import Case as Case
    from .kit import cases as cases
    from .kit import conformance as conformance
    from .kit import failures as failures
    from .signals import speech_like as speech_like
    from .signals import synthetic_bank as synthetic_bank
    from .subject import Subject as Subject
    from .subject import plugins_of as plugins_of

_HOME = {
    "Case": "kit",
    "Subject": "subject",
    "cases": "kit",
    "conformance": "kit",
    "failures": "kit",
    "plugins_of": "subject",
    "speech_like": "signals",
    "synthetic_bank": "signals",
}
__all__ = sorted(_HOME)  # noqa: PLE0605


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f".{_HOME[name]}", __name__), name)

"""The conformance kit: point it at a plugin and get the checks of its kind.

In a test file::

    from megaasr_core.testing import conformance

    @conformance("degradation:telephone")
    def test_conformance(check):
        check()

or without one::

    pytest --megaasr degradation:telephone [--megaasr-plugin FILE_OR_MODULE]
    pytest --megaasr 'degradation:*'
    pytest --megaasr-plugin FILE_OR_MODULE          # everything that the file registers
    pytest --megaasr scenario:FILE.yaml --megaasr reward:FILE.yaml

A check that is marked `essential` decides whether the later ones are run: where it fails, they are skipped.
A kind that a plugin package declares brings its checks as ``Kind(..., checks="module:function")``; the function takes
a `Subject` and returns a list of functions that take the `Subject` and raise AssertionError with one line.

The names are imported when first used, since the pytest plugin in this folder is loaded by every run of pytest.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .case import Case as Case
    from .case import essential as essential
    from .guards import attempt as attempt
    from .guards import expect as expect
    from .kit import cases as cases
    from .kit import conformance as conformance
    from .kit import failures as failures
    from .plugin_under_test import Subject as Subject
    from .plugin_under_test import plugins_of as plugins_of
    from .signals import speech_like as speech_like
    from .signals import synthetic_bank as synthetic_bank
    from .trials import one_second as one_second

_HOME = {
    "Case": "case",
    "essential": "case",
    "attempt": "guards",
    "expect": "guards",
    "Subject": "plugin_under_test",
    "cases": "kit",
    "conformance": "kit",
    "failures": "kit",
    "one_second": "trials",
    "plugins_of": "plugin_under_test",
    "speech_like": "signals",
    "synthetic_bank": "signals",
}
__all__ = sorted(_HOME)  # noqa: PLE0605


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f".{_HOME[name]}", __name__), name)

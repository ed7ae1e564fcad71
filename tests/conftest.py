"""Settings of every test."""

from __future__ import annotations

import signal

import pytest
from hypothesis import settings

# A first example imports, compiles, or shares its core with another process: no test is timed.
settings.register_profile("untimed", deadline=None)
settings.load_profile("untimed")


@pytest.fixture
def hears_interrupts():
    """What is started meanwhile hears Ctrl-C, also where a shell ignores it for all that it runs in the background."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


LONGEST = ("test_guard.py", "test_sft.py", "test_whisper.py", "test_corpus_survives.py", "test_router_onnx.py")
"""Files of a minute and more. They begin first, so that no process ends with one of them while the others are idle."""


@pytest.hookimpl(trylast=True)  # after the order has been drawn
def pytest_collection_modifyitems(items):
    place = {name: index for index, name in enumerate(LONGEST)}
    items.sort(key=lambda item: place.get(item.path.name, len(LONGEST)))

"""Settings and fixtures of all tests."""

from __future__ import annotations

import gc
import signal
from pathlib import Path

import pytest
from hypothesis import settings

# No deadline: the first example imports and compiles, and processes share cores.
settings.register_profile("untimed", deadline=None)
settings.load_profile("untimed")


@pytest.fixture
def hears_interrupts():
    """Let child processes receive SIGINT, even if the shell ignores it for background jobs."""
    previous = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, previous)


LONGEST = ("test_sft.py", "test_guard.py", "test_corpus_survives.py", "test_router_onnx.py", "test_whisper.py")
"""Test files that take half a minute or more; they start first, so that none of them is still running at the end."""
CORE = Path(__file__).parent / "core"


def pytest_collection_finish():
    gc.collect()
    gc.freeze()  # so that a full collection, as each training asks for, need not walk all that was imported


@pytest.hookimpl(trylast=True)  # after pytest-randomly has shuffled the items
def pytest_collection_modifyitems(items):
    place = {name: index for index, name in enumerate(LONGEST)}
    items.sort(key=lambda item: place.get(item.path.name, len(LONGEST)))
    for item in items:  # measuring takes a third of the time, and the coverage wanted is that of the core by its tests
        if not item.path.is_relative_to(CORE):
            item.add_marker("no_cover")

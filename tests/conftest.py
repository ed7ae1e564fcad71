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

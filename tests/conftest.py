"""Settings of every test."""

from __future__ import annotations

from hypothesis import settings

# A first example imports, compiles, or shares its core with another process: no test is timed.
settings.register_profile("untimed", deadline=None)
settings.load_profile("untimed")

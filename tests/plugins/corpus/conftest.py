"""The tests of the corpus use the core's test plugin."""

from tests.core.conftest import only_tones

__all__ = ["only_tones"]

"""The tests of the corpus use the core's test plugin."""

from tests.core.conftest import only_tones as only_tones

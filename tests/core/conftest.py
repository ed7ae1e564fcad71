from pathlib import Path

import pytest

import megaasr_core.contracts.plugins as discovery
from megaasr_core import load_plugins

TONES = str(Path(__file__).parent / "tone_plugin.py")


@pytest.fixture
def only_tones(monkeypatch):
    """Nothing is installed but the test plugin, so that the core is tested without any wing."""
    monkeypatch.setattr(discovery, "entry_points", lambda group: [])
    monkeypatch.delenv(discovery.ENVIRONMENT, raising=False)
    return load_plugins([TONES])

from pathlib import Path

import pytest

from megaasr import load_plugins
from megaasr_core.discovery import loading as discovery

TONES = str(Path(__file__).parent / "tone_plugin.py")


@pytest.fixture
def only_tones(monkeypatch):
    """The installed plugins when only the test plugin exists, so that the core is tested without any wing."""
    monkeypatch.setattr(discovery, "entry_points", lambda group: [])
    monkeypatch.delenv(discovery.ENVIRONMENT, raising=False)
    return load_plugins([TONES])

"""The test plugin without any other, while manifests and recordings are still read by the installed readers."""

import pytest

from megaasr import installed_plugins, load_plugins
from megaasr_core.discovery import loading as discovery
from tests.core.conftest import TONES


@pytest.fixture
def only_tones(monkeypatch):
    """Nothing is loaded but the test plugin; what is installed was loaded before."""
    installed_plugins()
    monkeypatch.setattr(discovery, "entry_points", lambda group: [])
    monkeypatch.delenv(discovery.ENVIRONMENT, raising=False)
    return load_plugins([TONES])

from pathlib import Path

import pytest

from megaasr import installed_plugins, load_plugins
from megaasr_core.discovery import loading as discovery
from tests.core.kit_fixtures import plugin_file, run_pytest, two_files  # noqa: F401 - fixtures of the kit's tests

# A failing assertion of these helpers is explained as one of a test file is.
pytest.register_assert_rewrite("tests.core.kit_primitives", "tests.core.fake_backend")

TONES = str(Path(__file__).parent / "tone_plugin.py")


@pytest.fixture
def only_tones(monkeypatch):
    """The installed plugins when only the test plugin exists, so that the core is tested without any wing."""
    installed_plugins()  # whose normalisers score; loaded once, and not while there are none
    monkeypatch.setattr(discovery, "entry_points", lambda group: [])
    monkeypatch.delenv(discovery.ENVIRONMENT, raising=False)
    return load_plugins([TONES])


@pytest.fixture
def adapter(tmp_path):
    """A folder that the fake backend mounts."""
    (tmp_path / "factor.txt").write_text("2.0", encoding="utf-8")
    return tmp_path

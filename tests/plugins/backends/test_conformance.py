"""The whisper backend through the conformance kit, mounting included."""

from megaasr_core.testing import cases, failures
from megaasr_plugins.backends.whisper import Whisper
from tests.plugins.few_tokens import FewTokens


def test_the_backend_keeps_its_contract(small, make_adapter, monkeypatch):
    monkeypatch.setattr(Whisper, "options_type", FewTokens)
    chosen = cases("backend:whisper", backend=small, adapter=make_adapter())
    assert len(chosen) > 15
    assert failures(chosen) == {}

"""The whisper backend through the conformance kit, mounting included."""

from megaasr_core.testing import cases, failures


def test_the_backend_keeps_its_contract(small, make_adapter):
    chosen = cases("backend:whisper", backend=small, adapter=make_adapter())
    assert len(chosen) > 15
    assert failures(chosen) == {}

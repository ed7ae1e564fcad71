"""The conformance kit over everything that this repository registers itself."""

from __future__ import annotations

import numpy as np
import pytest
import soundfile

from megaasr_core.base.sound_bank import SoundBank
from megaasr_core.discovery.loading import load_plugins
from megaasr_core.testing import cases, synthetic_bank

PLUGINS = load_plugins()


@pytest.fixture(scope="module")
def banks(tmp_path_factory):
    """Noise, and a room: a direct path with a decaying tail."""
    rooms = tmp_path_factory.mktemp("rooms")
    rng = np.random.default_rng(0)
    response = 0.03 * rng.standard_normal(4_000) * np.exp(-np.arange(4_000) / 800)
    response[80] = 1.0
    soundfile.write(rooms / "room.wav", response, 16_000, subtype="FLOAT")
    return {"noise": synthetic_bank(tmp_path_factory.mktemp("noise")), "rir": SoundBank.open(rooms)}


def in_tree(kind: str) -> list[object]:
    """Every check of everything registered of a kind; `test_counts` checks how much that is."""
    return [pytest.param(case, id=repr(case)) for case in cases(f"{kind}:*", plugins=PLUGINS)]


@pytest.mark.parametrize("check", in_tree("primitive"))
def test_primitive(check, banks):
    check(banks=banks)


@pytest.mark.parametrize("check", in_tree("degradation"))
def test_degradation(check, banks):
    check(banks=banks)


@pytest.mark.parametrize("check", in_tree("scenario"))
def test_scenario(check, banks):
    check(banks=banks)


@pytest.mark.parametrize("check", in_tree("reward"))
def test_reward(check):
    check()


@pytest.mark.parametrize("check", in_tree("router"))
def test_router(check):
    check()


@pytest.mark.parametrize("check", in_tree("trainer"))
def test_trainer(check):
    check()


@pytest.mark.parametrize("check", in_tree("reader"))
def test_reader(check):
    check()


@pytest.mark.parametrize("check", in_tree("corpus_source"))
def test_corpus_source(check):
    check()


COUNTS = {
    "primitive": 10,
    "degradation": 10,
    "scenario": 54,
    "reward": 7,
    "router": 6,
    "backend": 1,
    "engine": 2,
    "trainer": 4,
    "reader": 7,
    "corpus_source": 7,
}


@pytest.mark.parametrize("kind", COUNTS)
def test_counts(kind):
    own = [row for row in PLUGINS.rows() if row.owner.distribution == "megaasr" and row.kind == kind]
    missing = [f"{row.owner.plugin}: {row.error}" for row in PLUGINS.failures]
    assert len(own) == COUNTS[kind], missing


def test_nothing_of_the_repository_fails_to_load():
    assert [f"{row.owner.plugin}: {row.error}" for row in PLUGINS.failures] == []

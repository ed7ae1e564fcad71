"""The conformance kit over everything that this repository registers itself."""

from __future__ import annotations

import pytest

from megaasr_core.contracts.discovery import load_plugins
from megaasr_core.testing import Case, cases, synthetic_bank

PLUGINS = load_plugins()


@pytest.fixture(scope="module")
def banks(tmp_path_factory):
    return {"noise": synthetic_bank(tmp_path_factory.mktemp("noise"))}


def in_tree(kind: str) -> list[object]:
    """Every check of every registered thing of a kind; empty while there is none, which `test_counts` tells."""
    (registry,) = (one for one in PLUGINS.registries if one.kind == kind)
    chosen: list[Case] = [case for name in registry for case in cases(f"{kind}:{name}", plugins=PLUGINS)]
    return [pytest.param(case, id=repr(case)) for case in chosen]


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


COUNTS = {"primitive": 8, "degradation": 7, "scenario": 54, "reward": 6, "router": 4, "backend": 1}


@pytest.mark.parametrize("kind", COUNTS)
def test_counts(kind):
    own = [row for row in PLUGINS.rows() if row.owner.distribution == "megaasr" and row.kind == kind]
    missing = [f"{row.owner.plugin}: {row.error}" for row in PLUGINS.failures]
    if kind == "primitive":
        assert len(own) >= COUNTS[kind], missing
    else:
        assert len(own) == COUNTS[kind], missing


def test_nothing_of_the_repository_fails_to_load():
    assert [f"{row.owner.plugin}: {row.error}" for row in PLUGINS.failures] == []

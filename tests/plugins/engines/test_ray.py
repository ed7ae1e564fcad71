"""The ray engine, on a cluster of this machine."""

import os
import sys

import pytest

from megaasr_core.base.errors import PluginError
from megaasr_core.testing import cases
from megaasr_plugins.engines.ray import Ray


def test_a_missing_ray_is_one_line_that_names_the_extra(monkeypatch):
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(PluginError, match=r"Ray is not installed; run: pip install 'megaasr\[ray\]'"):
        list(Ray.create().run(abs, [1]))


@pytest.fixture(scope="module")
def cluster():
    """One cluster for all checks: the engine uses what is running already."""
    for name in ("RAY_USAGE_STATS_ENABLED", "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO"):
        os.environ.setdefault(name, "0")
    ray = pytest.importorskip("ray")
    ray.init(num_cpus=2, include_dashboard=False, log_to_driver=False, logging_level="ERROR")
    yield ray
    ray.shutdown()


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")  # Ray's own
@pytest.mark.parametrize("check", [pytest.param(one, id=one.name) for one in cases("engine:ray")])
def test_conformance(check, cluster):
    check()
    assert cluster.is_initialized(), "a cluster that the engine did not start is not its to shut down"


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
def test_a_cluster_that_is_not_there_is_one_line():
    ray = pytest.importorskip("ray")
    if ray.is_initialized():
        pytest.skip("the other tests' cluster is up")
    with pytest.raises(PluginError, match="cannot reach address 'nowhere'"):
        list(Ray.create({"address": "nowhere"}).run(abs, [1]))

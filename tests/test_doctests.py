"""Run every example in a docstring, under the name by which the module is installed."""

import doctest
import importlib
import pkgutil

import pytest

PACKAGES = ("megaasr", "megaasr_core", "megaasr_degradations", "megaasr_rewards", "megaasr_routers", "megaasr_plugins")


def modules():
    for package in PACKAGES:
        home = importlib.import_module(package)
        yield from (found.name for found in pkgutil.walk_packages(home.__path__, f"{package}."))


@pytest.mark.parametrize("name", sorted(modules()))
def test_examples_hold(name):
    assert doctest.testmod(importlib.import_module(name), optionflags=doctest.ELLIPSIS).failed == 0


def test_every_reward_has_a_worked_example():
    from megaasr import installed_plugins

    for reward in installed_plugins().rewards.values():
        assert doctest.DocTestFinder(recurse=False).find(reward)[0].examples, reward.name

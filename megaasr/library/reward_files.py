"""Composed rewards in YAML files."""

from __future__ import annotations

from pathlib import Path

from megaasr.library.composed_reward import ComposedReward
from megaasr.library.reward_composition import compose
from megaasr_core.base.errors import ParameterError
from megaasr_core.base.files import read_text
from megaasr_core.contracts.reward import Reward
from megaasr_core.discovery.registry import Registry

from .naming import naming
from .yaml_files import parse_yaml


def read_reward(path: Path, rewards: Registry[type[Reward]]) -> ComposedReward:
    """Read a composed reward from a YAML file; the errors of `compose`, and ManifestError when it cannot be read."""
    with naming(path):
        return compose(parse_yaml(read_text(path), path, ParameterError), rewards, path)

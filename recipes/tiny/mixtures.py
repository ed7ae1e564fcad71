"""Mixtures of training clips for the adapter: which scenarios meet the clean clips, and how often."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from megaasr import unknown_name

SCENARIOS = Path(__file__).parent / "scenarios"
ALL = ("all",)
"""The 54 scenarios of the paper."""
EASIER = ("--severity", "sqrt-backward")
MILD = ("mild_noise", "mild_noise_levels", "quiet_room")
BANDS = ("mild_phone", "mild_voip", "mild_room")
NOISY = ("wide_noise", "phone_noise")
REST = ("quiet_phone", "room_noise")
DRAWS = 2
"""Number of draws of clean clips and of plans; the router is trained on a separate draw."""


@dataclass(frozen=True)
class Group:
    """Degraded clips of one kind.

    Args:
        name: name of its plans, followed by the number of the draw.
        scenarios: `ALL`, or names of files in recipes/tiny/scenarios, in equal shares.
        share: number of degraded clips for each clean clip of a draw.
        options: more options of ``megaasr corpus plan``.
    """

    name: str
    scenarios: tuple[str, ...]
    share: float
    options: tuple[str, ...] = ()

    def plan(self, draw: str) -> str:
        """The folder of its plan in a draw of this name."""
        return f"plans/{self.name}_{draw}"


@dataclass(frozen=True)
class Mixture:
    """All training clips of the adapter.

    Args:
        groups: the degraded clips.
        clean: share of the clean clips of a draw that are trained on as they are.
    """

    groups: tuple[Group, ...]
    clean: float


MIXTURES = {
    "mild": Mixture(
        (
            Group("mild", MILD, 0.5),
            Group("bands", BANDS, 0.3),
            Group("wild", ALL, 0.25, EASIER),
            Group("noise", NOISY, 0.3),
            Group("rest", REST, 0.1),
        ),
        clean=0.2,
    ),
    "hard": Mixture(
        (
            Group("wild", ALL, 0.47, EASIER),
            Group("hard", ALL, 0.27),
            Group("noise", NOISY, 0.47),
            Group("rest", REST, 0.11),
        ),
        clean=0.17,
    ),
}
"""By name. `mild`: three fifths clean or with noise of 25 to 5 dB, in a band of 8 kHz and in narrower ones, at many
levels; a sixth with noise of 15 to -5 dB. `hard`: the mixture of the first packaged adapter, a third of it noise of
15 to -5 dB, no mild noise."""


def open_mixture(name: str) -> Mixture:
    """The mixture of a name; UnknownNameError when there is none."""
    if name not in MIXTURES:
        raise unknown_name("mixture", name, MIXTURES)
    return MIXTURES[name]


def scenario_option(scenarios: tuple[str, ...]) -> str:
    """The value of ``--scenarios`` of ``megaasr corpus plan``."""
    return ",".join(name if name in ALL else str(SCENARIOS / f"{name}.yaml") for name in scenarios)


def training_sources(mixture: Mixture, clips: int, draws: Sequence[str]) -> list[dict[str, Any]]:
    """The field ``training`` of the configuration of ``train sft``.

    Args:
        clips: number of clean clips of each draw.
        draws: names of the draws.
    """
    plans = [{"manifest": group.plan(draw)} for draw in draws for group in mixture.groups]
    limit = max(1, round(mixture.clean * clips))
    return [*plans, *({"manifest": f"draws/{draw}/manifest.jsonl", "limit": limit} for draw in draws)]


def configuration(file: Path, mixture: Mixture, clips: int) -> str:
    """The text of a configuration of ``train sft`` with the training clips of a mixture; see `training_sources`."""
    settings: dict[str, Any] = yaml.safe_load(file.read_text(encoding="utf-8"))
    draws = [str(number) for number in range(DRAWS)]
    return yaml.safe_dump({**settings, "training": training_sources(mixture, clips, draws)}, sort_keys=False)

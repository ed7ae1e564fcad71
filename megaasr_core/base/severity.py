"""Severity: one number a sample that sets how hard its every parameter is (Mega-ASR, arXiv 2605.19833)."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from statistics import NormalDist

from .errors import ParameterError, unknown_name

GAUSSIAN_MID_SIGMA = 0.2
"""Spread of the gaussian-mid curve; the paper gives no value."""


def _gaussian_mid(x: float) -> float:
    return min(1.0, max(0.0, NormalDist(0.5, GAUSSIAN_MID_SIGMA).inv_cdf(0.05 + 0.9 * x)))


CURVES: dict[str, Callable[[float], float]] = {
    "linear": lambda x: x,
    "sqrt-forward": math.sqrt,
    "sqrt-backward": lambda x: x * x,
    "gaussian-mid": _gaussian_mid,
}
"""Mega-ASR's four curves, from a uniform draw x in [0, 1] to the severity m in [0, 1]."""


def severity_from(x: float, curve: str = "linear") -> float:
    """Map a uniform draw to a severity.

    >>> severity_from(0.25, "sqrt-forward")
    0.5

    Raises:
        UnknownNameError: no such curve.
        ParameterError: x outside [0, 1].
    """
    if curve not in CURVES:
        raise unknown_name("severity curve", curve, CURVES)
    return CURVES[curve](check_severity(x))


def check_severity(severity: float) -> float:
    """Return the severity as a float, or raise ParameterError when it is not a number in [0, 1]."""
    if not 0.0 <= severity <= 1.0:
        raise ParameterError(f"severity {severity!r} is outside 0..1")
    return float(severity)


@dataclass(frozen=True)
class Range:
    """A parameter that moves with the severity: `easy` at 0, `hard` at 1, linear between.

    Integer ends do not make it an integer: where the primitive's field is one, `Step.at` rounds.

    >>> Range(10, -5).at(0.5)
    2.5
    """

    easy: float
    hard: float

    def __post_init__(self) -> None:
        for end in (self.easy, self.hard):
            if isinstance(end, bool) or not isinstance(end, (int, float)) or not math.isfinite(end):
                raise ParameterError(f"range ends must be finite numbers, not {end!r}")

    def at(self, severity: float) -> float:
        """The value at a severity in [0, 1]: easy + (hard - easy) * severity (Mega-ASR)."""
        return float(self.easy + (self.hard - self.easy) * check_severity(severity))


@dataclass(frozen=True)
class Choice:
    """A categorical parameter: a list from easy to hard, indexed by the severity.

    >>> Choice(("opus", "gsm", "amr")).at(0.5)
    'gsm'
    """

    values: tuple[str | float | int | bool, ...]

    def __post_init__(self) -> None:
        if not self.values:
            raise ParameterError("a choice needs at least one value")

    def at(self, severity: float) -> str | float | int | bool:
        """The value whose equal share of [0, 1] holds the severity."""
        index = int(check_severity(severity) * len(self.values))
        return self.values[min(index, len(self.values) - 1)]

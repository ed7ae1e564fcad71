"""The curves of a run: what to look at first, as one picture."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from megaasr import new_figure, png_of

Row = Mapping[str, Any]
SMOOTHED = 10
"""Steps that a running mean takes together, at most."""


def curves_of(rows: Sequence[Row], candidates: Sequence[Row]) -> bytes:
    """The curves of a run as a PNG of six parts.

    Rewards by term, WER of the rollouts and on dev, entropy and distinct transcripts, faults of rollouts, divergence
    and clipped tokens, groups without variance. Figures of steps are running means.

    Args:
        rows: of metrics.jsonl.
        candidates: of report.json, the start first; their names end in the step.

    Raises:
        ParameterError: matplotlib is not installed.
    """
    figure = new_figure(13, 7.2)
    parts = figure.subplots(2, 3).flatten()
    learned = [row for row in rows if "loss" in row]

    def draw(axes: Any, title: str, of: Sequence[Row], lines: Mapping[str, Callable[[Row], float | None]]) -> None:
        axes.set_title(title)
        axes.grid(alpha=0.3)
        axes.set_xlabel("step")
        for label, figure_of in lines.items():
            known = [(row["step"], value) for row in of if (value := figure_of(row)) is not None]
            if known:
                steps, values = zip(*known, strict=True)
                axes.plot(steps, running_mean(values), label=label)
        if axes.get_legend_handles_labels()[1]:
            axes.legend(fontsize=8)

    terms = rows[0]["terms"] if rows else {}
    draw(parts[0], "reward by term", rows, {name: _path("terms", name, "mean") for name in terms})
    draw(parts[1], "WER, %: rollouts, and dev", rows, {"rollouts": lambda row: 100 * row["wer"]})
    _draw_dev(parts[1], candidates)
    draw(parts[2], "entropy, nats a token; distinct of a group", learned, {"entropy": _path("entropy")})
    other = parts[2].twinx()
    other.plot([row["step"] for row in rows], running_mean([row["distinct"] for row in rows]), color="tab:orange")
    other.set_ylabel("distinct transcripts", color="tab:orange")
    faults = ("empty", "repetitive", "overlong", "invented")
    draw(parts[3], "faults, % of the rollouts", rows, {name: _percent(name) for name in faults})
    clipped = {f"clipped {side}, %": _percent("clipped", side) for side in ("low", "high")}
    draw(parts[4], "divergence from the start, nats; clipped", learned, {"divergence": _path("divergence"), **clipped})
    flat = {
        "before": _percent("groups", "without_variance"),
        "after resampling": _percent("groups", "without_variance_after"),
    }
    draw(parts[5], "groups without variance, %", rows, flat)
    return png_of(figure, dpi=110)


def running_mean(values: Sequence[float]) -> list[float]:
    """The mean of each value and up to nine before it.

    >>> running_mean([1.0, 3.0])
    [1.0, 2.0]
    """
    windows = (values[max(0, end - SMOOTHED) : end] for end in range(1, len(values) + 1))
    return [sum(window) / len(window) for window in windows]


def _draw_dev(axes: Any, candidates: Sequence[Row]) -> None:
    steps = [int(one["name"].rpartition("-")[2]) if "-" in one["name"] else 0 for one in candidates]
    for name in candidates[0]["dev"] if candidates else ():
        wers = [100 * one["dev"][name]["wer"] for one in candidates]
        axes.plot(steps, wers, marker="o", linestyle="--", label=f"dev {name}")
    axes.legend(fontsize=8)


def _path(*names: str) -> Callable[[Row], float | None]:
    def find(row: Row) -> float | None:
        value: Any = row
        for name in names:
            value = value[name]
        return None if value is None else float(value)

    return find


def _percent(*names: str) -> Callable[[Row], float | None]:
    find = _path(*names)

    def percent(row: Row) -> float | None:
        value = find(row)
        return None if value is None else 100.0 * value

    return percent

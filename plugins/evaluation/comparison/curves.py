"""Draws the curves of `megaasr compare`: error rate against severity and against SNR, one line per system."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import TYPE_CHECKING

from megaasr import ManifestError, ParameterError, new_figure, png_of

from .curve_points import Curves, Point
from .systems import BASE, ORACLE

if TYPE_CHECKING:
    from matplotlib.axes import Axes

COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#8c6d31", "#6a3d9a")
"""Colours that colour-blind readers can distinguish (Okabe & Ito 2008 without its yellow, and two more)."""
MARKERS = "sD^vPX<>"
BLACK, GREY, PALE = "#111111", "#777777", "#c9d3da"
AXES = {"severity": "severity of the simulated condition, 0 (mild) to 1 (hard)", "snr_db": "signal-to-noise ratio, dB"}
TITLES = {"severity": "against severity", "snr_db": "against SNR"}
UNITS = {"wer": "words", "cer": "characters"}
CLEAN_PLACE = -0.12
"""Position of clean recordings on the axis of severity."""
CAPTION = (
    "Bands and whiskers: 95 % intervals, bootstrap over clusters; none for a point of one cluster. "
    "Below: number of reference tokens per point."
)


def check_drawable(curves: Sequence[Curves]) -> None:
    """Check that there are curves to draw and that matplotlib is installed.

    Raises:
        ManifestError: the rows have neither severity nor SNR.
        ParameterError: matplotlib is not installed.
    """
    try:
        import matplotlib  # noqa: F401
    except ImportError as error:
        raise ParameterError("--curves needs matplotlib; run: pip install 'megaasr[plot]'") from error
    if not curves:
        raise ManifestError("--curves: the rows have neither two bins of 'severity' nor two of 'snr_db' to draw")


def draw_curves(curves: Sequence[Curves]) -> bytes:
    """A PNG with, for each axis, the error rates with their intervals and the number of reference tokens per point.

    Raises:
        ManifestError, ParameterError: as for `check_drawable`.
    """
    check_drawable(curves)
    systems = list(curves[0].points[0].rates)
    figure = new_figure(max(7.0, 6.2 * len(curves)), 5.6)
    axes = figure.subplots(2, len(curves), sharex="col", height_ratios=(4.5, 1.0), squeeze=False)
    for column, panel in enumerate(curves):
        for place, system in enumerate(systems):
            _line(axes[0][column], panel.points, system, place)
        _label(axes[0][column], axes[1][column], panel)
    handles, names = axes[0][0].get_legend_handles_labels()
    figure.legend(handles, names, loc="outside upper center", ncols=min(len(names), 3 * len(curves)), frameon=False)
    figure.supxlabel(CAPTION, fontsize=8, color=GREY)
    return png_of(figure, dpi=130)


def _line(axes: Axes, points: Sequence[Point], system: str, place: int) -> None:
    colour, marker, line = _style(system, place)
    on_axis = [point for point in points if point.x is not None]
    places = [point.x for point in on_axis if point.x is not None]
    low, middle, high = zip(*(_percent(point, system) for point in on_axis), strict=True)
    axes.fill_between(places, low, high, color=colour, alpha=0.13, linewidth=0)
    axes.plot(places, middle, color=colour, marker=marker, linestyle=line, markersize=5, linewidth=1.8, label=system)
    for point in points:
        if point.x is None:
            bottom, value, top = _percent(point, system)
            error_bars = [[value - bottom], [top - value]]
            x = CLEAN_PLACE + 0.018 * (place - (len(point.rates) - 1) / 2)  # shifted so that systems do not overlap
            axes.errorbar([x], [value], yerr=error_bars, color=colour, marker=marker, markersize=5, capsize=2)


def _style(system: str, place: int) -> tuple[str, str, str]:
    if system == BASE:
        return BLACK, "o", "-"
    if system == ORACLE:
        return GREY, "*", "--"
    return COLOURS[(place - 1) % len(COLOURS)], MARKERS[(place - 1) % len(MARKERS)], "-"


def _percent(point: Point, system: str) -> tuple[float, float, float]:
    """Low, value and high in percent; limits are widened to the value, which may lie outside for skewed counts."""
    rate = point.rates[system]
    low, high = (rate.value if end is None else end for end in (rate.low, rate.high))
    return 100 * min(low, rate.value), 100 * rate.value, 100 * max(high, rate.value)


def _label(axes: Axes, below: Axes, panel: Curves) -> None:
    unit = UNITS[panel.metric]
    utterances, tokens = (sum(getattr(point, name) for point in panel.points) for name in ("utterances", "tokens"))
    axes.set_title(f"{TITLES[panel.axis]}: {utterances:,} utterances, {tokens:,} {unit}", fontsize=10)
    axes.set_ylabel(f"{panel.metric.upper()}, %")
    axes.set_ylim(0, None)
    axes.grid(axis="y", color=PALE, linewidth=0.6)
    places = [CLEAN_PLACE if point.x is None else point.x for point in panel.points]
    gaps = [right - left for left, right in pairwise(places)]
    below.bar(places, [point.tokens for point in panel.points], width=0.7 * min(gaps), color=PALE)
    for place, point in zip(places, panel.points, strict=True):
        below.annotate(
            f"{point.tokens:,}", (place, point.tokens), (0, 2), textcoords="offset points", ha="center", fontsize=7
        )
    below.set_ylim(0, 1.35 * max(point.tokens for point in panel.points))  # space for the numbers
    below.set_ylabel(unit)
    below.set_yticks([])
    below.set_xlabel(AXES[panel.axis])
    if panel.axis == "severity":
        ticks = [0.0, 0.2, 0.4, 0.6, 0.8, 1.0]
        clean = [CLEAN_PLACE] if panel.points[0].x is None else []
        below.set_xticks(clean + ticks, [*("clean" for _ in clean), *(f"{tick:g}" for tick in ticks)])
        below.set_xlim(CLEAN_PLACE - 0.07 if clean else -0.02, 1.02)
    elif len(places) <= 10 and all(float(place).is_integer() for place in places):
        below.set_xticks(places)
    for shown in (axes, below):
        shown.spines[["top", "right"]].set_visible(False)

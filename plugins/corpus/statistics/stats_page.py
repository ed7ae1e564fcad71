"""Formats the statistics of a corpus as lines of text, as a picture, and as an HTML page with both."""

from __future__ import annotations

import base64
import html
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from megaasr import new_figure, png_of

from .stats import SEVERITY_BINS, SNR_STEP_DB, CorpusStats

if TYPE_CHECKING:
    from matplotlib.axes import Axes

INK, PALE = "#2a6f97", "#a9c9dd"
BAR_INCHES = 0.17
"""Height of a scenario's bar in inches; large enough for its label."""


def lines(stats: CorpusStats) -> Iterator[str]:
    """The lines that `megaasr corpus stats` prints."""
    counts = stats.scenarios.values()
    yield f"samples: {stats.samples}, {stats.duration_s / 3600:.2f} h, failed: {stats.failed}"
    if counts:
        yield f"scenarios: {len(counts)}, each {min(counts)} to {max(counts)} times"
        yield f"severity: mean {_mean_severity(stats):.3f}; tenths {' '.join(map(str, _merged_pairs(stats.severity)))}"
    if stats.snr_db:
        span = f"{min(stats.snr_db):g} to {max(stats.snr_db) + SNR_STEP_DB:g} dB"
        yield f"snr: {sum(stats.snr_db.values())} samples have one, {span}"
    if stats.flags:
        yield "flags: " + ", ".join(f"{name} {count}" for name, count in stats.flags.most_common())
    if stats.wer:
        yield ""
        yield f"{'slice':44} {'WER %':>7} {'95 % interval':>16} {'words':>9} {'utterances':>10}"
        for name in stats.slices():
            yield _wer_line(name, stats.wer[name].wer())


def _wer_line(name: str, score: dict[str, Any]) -> str:
    if score["wer"] is None:
        return f"{name:44} {'-':>7} {'':16} {0:9} {score['utterances']:10}"
    span = f"[{100 * score['low']:.1f}, {100 * score['high']:.1f}]" if score["low"] is not None else ""
    return f"{name:44} {100 * score['wer']:7.2f} {span:>16} {score['words']:9} {score['utterances']:10}"


def picture(stats: CorpusStats) -> bytes:
    """A PNG with plots of severity and SNR, and for a labelled corpus of WER against severity and by scenario.

    Raises:
        ParameterError: matplotlib is not installed.
    """
    by_scenario = [name for name in stats.slices() if name in stats.scenarios] if stats.wer else sorted(stats.scenarios)
    height = max(6.0, 1.2 + BAR_INCHES * len(by_scenario))
    figure = new_figure(13.0, height)
    left, right = list(figure.subfigures(1, 2, width_ratios=(1.0, 1.2), squeeze=False).flat)
    axes = list(left.subplots(3 if stats.wer else 2, 1, squeeze=False).flat)
    _severity(axes[0], stats)
    _snr(axes[1], stats)
    if stats.wer:
        _wer_by_severity(axes[2], stats)
    _scenarios(right.subplots(), stats, by_scenario)
    return png_of(figure, dpi=110)


def _severity(axes: Axes, stats: CorpusStats) -> None:
    width = 1.0 / SEVERITY_BINS
    axes.bar([(index + 0.5) * width for index in range(SEVERITY_BINS)], stats.severity, width=0.92 * width, color=INK)
    axes.set(
        xlabel="severity",
        ylabel="samples",
        xlim=(0, 1),
        title=f"{stats.samples} samples, {stats.duration_s / 3600:.1f} h",
    )


def _snr(axes: Axes, stats: CorpusStats) -> None:
    steps = sorted(stats.snr_db)
    axes.bar([low + SNR_STEP_DB / 2 for low in steps], [stats.snr_db[low] for low in steps], width=0.92, color=INK)
    without = stats.samples - stats.failed - sum(stats.snr_db.values())
    axes.set(xlabel="lowest SNR of the sample, dB", ylabel="samples", title=f"{without} samples have no noise")


def _wer_by_severity(axes: Axes, stats: CorpusStats) -> None:
    shown = [(index / 10 + 0.05, sums.wer()) for index, sums in enumerate(stats.wer_by_severity) if sums.words]
    percent = [100 * score["wer"] for _, score in shown]
    error_bars = [
        [100 * abs(score["wer"] - (score[end] if score[end] is not None else score["wer"])) for _, score in shown]
        for end in ("low", "high")
    ]
    axes.errorbar([x for x, _ in shown], percent, yerr=error_bars, color=INK, ecolor=PALE, elinewidth=4, marker="o")
    axes.set(xlabel="severity", ylabel="WER of the base, %", xlim=(0, 1), ylim=(0, None), title="with 95 % intervals")


def _scenarios(axes: Axes, stats: CorpusStats, names: list[str]) -> None:
    places = range(len(names))
    if stats.wer:
        scores = [stats.wer[name].wer() for name in names]
        axes.barh(places, [100 * (score["wer"] or 0.0) for score in scores], color=INK)
        for place, score in zip(places, scores, strict=True):
            if score["low"] is not None:
                axes.plot([100 * score["low"], 100 * score["high"]], [place, place], color=PALE, linewidth=2)
        axes.set(xlabel="WER of the base, % (bar), with its 95 % interval", title="by scenario, the worst first")
    else:
        axes.barh(places, [stats.scenarios[name] for name in names], color=INK)
        axes.set(xlabel="samples", title="by scenario")
    axes.set_yticks(list(places), names, fontsize=7)
    axes.set_ylim(len(names) - 0.4, -0.6)


def page(stats: CorpusStats) -> str:
    """A self-contained HTML page with the picture and the lines of text."""
    image = base64.b64encode(picture(stats)).decode()
    text = html.escape("\n".join(lines(stats)))
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><title>Corpus statistics</title>\n'
        "<style>body{font:15px/1.5 sans-serif;max-width:1100px;margin:2rem auto;padding:0 1rem}"
        "img{max-width:100%}pre{overflow-x:auto}</style></head>\n"
        f'<body><h1>Corpus statistics</h1>\n<img alt="severity, SNR and WER" src="data:image/png;base64,{image}">\n'
        f"<pre>{text}</pre>\n</body></html>\n"
    )


def _mean_severity(stats: CorpusStats) -> float:
    total = sum((index + 0.5) / SEVERITY_BINS * count for index, count in enumerate(stats.severity))
    return total / max(1, sum(stats.severity))


def _merged_pairs(counts: list[int]) -> list[int]:
    return [first + second for first, second in zip(counts[::2], counts[1::2], strict=True)]

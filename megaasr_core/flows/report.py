"""The Markdown of an evaluation: a header that says what was measured on what, and a row a slice."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

PERCENT = 100.0


def markdown(report: dict[str, Any]) -> str:
    """Render the report of `megaasr eval` for people.

    Args:
        report: ``summary`` of `summarise`, ``settings``, ``hardware``, and optionally ``comparison`` of `compare`.
    """
    summary = report["summary"]
    rtfx = f"{summary['rtfx']:.1f}" if summary["rtfx"] else "unknown"
    lines = [
        "# Evaluation",
        "",
        f"- utterances: {summary['utterances']}, failed: {summary['failed']}",
        f"- speed: RTFx {rtfx} ({summary['audio_s']:.1f} s of audio in {summary['decoding_s']:.1f} s of decoding)",
        f"- hardware: {_pairs(report['hardware'])}",
        f"- settings: {_pairs(report['settings'])}",
        f"- normaliser: {_pairs(summary['normalisers'])}",
        "- intervals: 95 %, bootstrap over utterances",
        "",
    ]
    head = ["slice", "utterances", "tokens", "error % [interval]", "capped %", "S", "D", "I", "runaway"]
    lines += _table(
        [*head, "empty %", "repetitive %", "truncated %", "invented %", "adapter %"],
        [_row(name, one) for name, one in summary["slices"].items()],
    )
    if "comparison" in report:
        comparison = report["comparison"]
        lines += ["", f"## Against {report['settings']['compare']}", ""]
        lines += [f"Paired over {comparison['utterances']} utterances; below zero is better.", ""]
        lines += _table(
            ["slice", "utterances", "tokens", "base %", "this %", "difference [interval], points", "relative %"],
            [_compared(name, one) for name, one in comparison["slices"].items()],
        )
    return "\n".join(lines) + "\n"


def _pairs(values: dict[str, Any]) -> str:
    return ", ".join(f"{name} {value}" for name, value in values.items() if value is not None)


def _row(name: str, one: dict[str, Any]) -> list[str]:
    rates = [one[f"{flag}_rate"] for flag in ("empty", "repetitive", "truncated", "invented", "adapter")]
    counts = [one[name] for name in ("substitutions", "deletions", "insertions", "runaways")]
    return [
        name,
        str(one["utterances"]),
        str(one["tokens"]),
        _interval(one["error_rate"]),
        _percent(one["capped_error_rate"]),
        *map(str, counts),
        *map(_percent, rates),
    ]


def _compared(name: str, one: dict[str, Any]) -> list[str]:
    relative = "-" if one["relative"] is None else f"{PERCENT * one['relative']:+.1f}"
    rates = [_percent(one["base_error_rate"]), _percent(one["error_rate"])]
    return [name, str(one["utterances"]), str(one["tokens"]), *rates, _interval(one["difference"], "+"), relative]


def _interval(one: dict[str, Any], sign: str = "") -> str:
    value = f"{PERCENT * one['value']:{sign}.2f}"
    if one["low"] is None:
        return f"{value} [-]"
    return f"{value} [{PERCENT * one['low']:{sign}.2f}, {PERCENT * one['high']:{sign}.2f}]"


def _percent(rate: float) -> str:
    return f"{PERCENT * rate:.2f}"


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    widths = [max(3, *(len(line[column]) for line in (head, *rows))) for column in range(len(head))]

    def line(cells: Sequence[str]) -> str:
        first, *others = (
            cell.ljust(w) if i == 0 else cell.rjust(w) for i, (cell, w) in enumerate(zip(cells, widths, strict=True))
        )
        return "| " + " | ".join([first, *others]) + " |"

    rule = ["-" * widths[0], *("-" * (width - 1) + ":" for width in widths[1:])]
    return [line(head), line(rule), *map(line, rows)]

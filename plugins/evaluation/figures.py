"""Tables of figures side by side: error rates, kinds of errors and kinds of failure, by slice and system."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from .summary import FAILURES, KINDS, RATES
from .tables import counted, interval, percent, table

MEANING = (
    "S, D and I are substitutions, deletions and insertions, with their percentage of the reference tokens. Capped",
    "counts at most as many errors in an utterance as it has tokens. The others are numbers of utterances, with their",
    "percentage: deleted, of which more than half of the tokens are missing; runaways, with more errors than tokens;",
    "invented, with words where there is no speech.",
)
SIZE = ("utterances", "tokens", "clusters")
COLUMNS = ("S (%)", "D (%)", "I (%)", *(f"{name} (%)" for name in FAILURES))
RELATIVE = "relative [interval], %"
Slices = Mapping[str, Mapping[str, Any]]


def figure_table(slices: Slices) -> list[str]:
    """The figures of slices without systems, as `summarise` returns them."""
    head = ["slice", *SIZE, "error % [interval]", "capped % [interval]", *COLUMNS]
    return table(head, [[name, *_size(figures), *_figures(figures, figures)] for name, figures in slices.items()])


def system_table(slices: Slices, systems: Sequence[str]) -> list[str]:
    """The figures of every system on every slice, as `compare_systems` returns them."""
    head = ["slice", "system", *SIZE, "error % [interval]", "capped % [interval]", *COLUMNS]
    rows = (
        [name, system, *_size(figures), *_figures(figures["systems"][system], figures)]
        for name, figures, system in _each(slices, systems)
    )
    return table(head, list(rows))


def difference_table(slices: Slices, systems: Sequence[str], base: str) -> list[str]:
    """The paired differences of systems to the base; S, D and I in points, utterances as numbers."""
    head = ["slice", "system", "error [interval], points", "capped [interval], points", RELATIVE]
    head += ["S, points", "D, points", "I, points", *FAILURES]
    rows = []
    for name, figures, system in _each(slices, systems):
        own, due = figures["systems"][system], figures["systems"][base]
        points = [percent((own[kind] - due[kind]) / max(figures["tokens"], 1), "+.2f") for kind in KINDS]
        counts = [f"{own[failure] - due[failure]:+d}" for failure in FAILURES]
        rows.append([name, system, *differences(own), *points, *counts])
    return table(head, rows)


def rate_table(slices: Slices, systems: Sequence[str]) -> list[str]:
    """The other rates of every system, in percent of the utterances."""
    rows = (
        [name, system, *(percent(figures["systems"][system][f"{rate}_rate"]) for rate in RATES)]
        for name, figures, system in _each(slices, systems)
    )
    return table(["slice", "system", *(f"{name} %" for name in RATES)], list(rows))


def differences(figures: Mapping[str, Any]) -> list[str]:
    """The three cells of a paired difference: error rate, capped error rate, relative."""
    return [
        interval(figures["difference"], "+.2f"),
        interval(figures["capped_difference"], "+.2f"),
        interval(figures["relative_difference"], "+.1f"),
    ]


def _each(slices: Slices, systems: Sequence[str]) -> Iterable[tuple[str, Mapping[str, Any], str]]:
    return ((name, figures, system) for name, figures in slices.items() for system in systems)


def _size(figures: Mapping[str, Any]) -> list[str]:
    return [str(figures[name]) for name in SIZE]


def _figures(figures: Mapping[str, Any], size: Mapping[str, Any]) -> list[str]:
    rates = [interval(figures["error_rate"]), interval(figures["capped_error_rate"])]
    kinds = [counted(figures[name], size["tokens"]) for name in KINDS]
    return [*rates, *kinds, *(counted(figures[name], size["utterances"]) for name in FAILURES)]

"""Compares several systems with one base on the same utterances, slice by slice."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from megaasr import ParameterError, unknown_name

from ..intervals import bootstrap_sums, rate_of, relative_of
from ..pairing import paired
from ..slicing import slices
from ..summary import slice_figures

Row = dict[str, Any]
BASE, ORACLE = "base", "oracle"


@dataclass(frozen=True)
class Lineup:
    """Results of a base and of other systems on the same utterances. Create it with `line_up`.

    Args:
        systems: name -> scored rows, the base first; the rows of all systems are in the same order.
        failed: number of utterances that any system failed on; no system contains them.
    """

    systems: dict[str, list[Row]]
    failed: int

    @property
    def base(self) -> list[Row]:
        """The rows of the base; slices use their fields."""
        return self.systems[BASE]


def line_up(base: Sequence[Row], systems: Mapping[str, Sequence[Row]], oracle: str | None = None) -> Lineup:
    """Pair the results of every system with the base's.

    Args:
        base, systems: result rows of `megaasr eval`.
        oracle: name of a system; adds a system ``oracle`` that takes for each utterance the row with fewer edits of
            this system and the base (the base on a tie). It is the upper bound of a router between the two.

    Raises:
        ParameterError: a name is reserved.
        UnknownNameError: `oracle` is not the name of a system.
        ManifestError: the files do not hold the same utterances, or were not scored against the same references.
    """
    for name, use in ((BASE, "the first file"), (ORACLE, "the system that --oracle adds")):
        if name in systems and (name == BASE or oracle is not None):
            raise ParameterError(f"the name {name!r} is reserved for {use}; give the system another name")
    if oracle is not None and oracle not in systems:
        raise unknown_name("system", oracle, systems)
    base_rows, others = paired(base, systems)
    lineup = {BASE: base_rows, **others}
    if oracle is not None:
        lineup[ORACLE] = [best_of(base_row, row) for base_row, row in zip(base_rows, others[oracle], strict=True)]
    return Lineup(lineup, len(base) - len(base_rows))


def best_of(base: Row, robust: Row) -> Row:
    """The row with fewer edits; the base row on a tie."""
    return robust if robust["num_edits"] < base["num_edits"] else base


def compare_systems(lineup: Lineup, seed: int = 0, by: Sequence[str] = ()) -> dict[str, Any]:
    """Figures of every system on every slice.

    Returns:
        ``utterances``, ``failed_in_any``, and ``slices`` by name. Each slice has ``metric``, ``utterances``, ``tokens``
        and ``systems``: name -> the figures of `slice_figures` with ``difference`` and ``relative_difference`` to the
        base as in `compare` (None for the base). All intervals of a slice are over the same resamples.

    Raises:
        UnknownNameError, ParameterError, ManifestError: a field of `by` cannot be used for slices.
    """
    place = {id(row): index for index, row in enumerate(lineup.base)}
    figures = {
        name: _slice(
            {system: [rows[place[id(row)]] for row in members] for system, rows in lineup.systems.items()}, seed
        )
        for name, members in slices(lineup.base, by).items()
    }
    return {"utterances": len(lineup.base), "failed_in_any": lineup.failed, "slices": figures}


def _slice(systems: Mapping[str, list[Row]], seed: int) -> dict[str, Any]:
    edits = [[row["num_edits"] for row in rows] for rows in systems.values()]
    lengths, base, *others = bootstrap_sums([[row["ref_len"] for row in systems[BASE]], *edits], seed)
    figures: dict[str, dict[str, Any]] = {}
    for (name, rows), sums in zip(systems.items(), (base, *others), strict=True):
        figures[name] = {
            **slice_figures(rows, rate_of(sums, lengths)),
            "difference": None,
            "relative_difference": None,
        }
        if name != BASE:
            figures[name]["difference"] = asdict(rate_of(sums - base, lengths))
            relative = relative_of(sums, base)
            figures[name]["relative_difference"] = asdict(relative) if relative else None
    shared = ("metric", "utterances", "tokens")
    return {
        **{name: figures[BASE][name] for name in shared},
        "systems": {
            system: {name: value for name, value in of_system.items() if name not in shared}
            for system, of_system in figures.items()
        },
    }

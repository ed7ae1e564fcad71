"""Several systems against one base, on the same utterances, slice by slice."""

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
    """Results of a base and of other systems on the same utterances. Make it with `line_up`.

    Args:
        systems: name -> scored rows, the base first; the rows of all systems are in one order.
        failed: utterances that a system failed on; they are in none.
    """

    systems: dict[str, list[Row]]
    failed: int

    @property
    def base(self) -> list[Row]:
        """The base's rows, by whose fields the utterances are sliced."""
        return self.systems[BASE]


def line_up(base: Sequence[Row], systems: Mapping[str, Sequence[Row]], oracle: str | None = None) -> Lineup:
    """Pair the results of every system with the base's.

    Args:
        base, systems: rows of `megaasr eval`.
        oracle: a system; adds one more, ``oracle``, that has for each utterance the row of this system or of the base,
            whichever has fewer edits, the base's where they are equal. It is the best that a router between the two
            could do.

    Raises:
        ParameterError: a name that is taken. UnknownNameError: `oracle` is none of the systems.
        ManifestError: the files do not hold the same utterances, or were not scored against the same references.
    """
    for name, why in ((BASE, "the first file's"), (ORACLE, "of what --oracle makes")):
        if name in systems and (name == BASE or oracle is not None):
            raise ParameterError(f"the name {name!r} is {why}; give the system another one")
    if oracle is not None and oracle not in systems:
        raise unknown_name("system", oracle, systems)
    own, others = paired(base, systems)
    lineup = {BASE: own, **others}
    if oracle is not None:
        lineup[ORACLE] = [best_of(one, other) for one, other in zip(own, others[oracle], strict=True)]
    return Lineup(lineup, len(base) - len(own))


def best_of(base: Row, robust: Row) -> Row:
    """The row with fewer edits; the base's where they are equal, since an adapter must earn its place."""
    return robust if robust["num_edits"] < base["num_edits"] else base


def compare_systems(lineup: Lineup, seed: int = 0, by: Sequence[str] = ()) -> dict[str, Any]:
    """Figures of every system on every slice.

    Returns:
        ``utterances``, ``failed_in_any``, and under ``slices``, by name: ``metric``, ``utterances``, ``tokens`` and
        ``systems``, name -> the figures of `slice_figures` with ``difference`` and
        ``relative_difference`` to the base as `compare` has them (None for the base). All
        intervals of a slice are over the same resamples.

    Raises:
        UnknownNameError, ParameterError, ManifestError: a field of `by` that makes no slices.
    """
    place = {id(row): index for index, row in enumerate(lineup.base)}
    found = {
        name: _slice({system: [rows[place[id(row)]] for row in own] for system, rows in lineup.systems.items()}, seed)
        for name, own in slices(lineup.base, by).items()
    }
    return {"utterances": len(lineup.base), "failed_in_any": lineup.failed, "slices": found}


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
    own = figures[BASE]
    shared = ("metric", "utterances", "tokens")
    return {
        **{name: own[name] for name in shared},
        "systems": {
            system: {name: value for name, value in one.items() if name not in shared}
            for system, one in figures.items()
        },
    }

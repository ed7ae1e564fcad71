"""Compares several systems with one base on the same utterances, slice by slice."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from megaasr import ParameterError, unknown_name

from ..clusters import clusters_of
from ..intervals import bootstrap_sums, rate_of, relative_of
from ..pairing import paired
from ..slicing import is_degraded, slices
from ..summary import edit_columns, slice_figures

Row = dict[str, Any]
BASE, ORACLE, THIS = "base", "oracle", "this"
DIFFERENCES = ("difference", "capped_difference", "relative_difference")


@dataclass(frozen=True)
class Lineup:
    """Results of a base and of other systems on the same utterances. Create it with `line_up`.

    Args:
        systems: name -> scored rows, the base first; the rows of all systems are in the same order.
        failed: number of utterances that any system failed on; no system contains them.
        has_oracle: whether the system ``oracle`` was added.
    """

    systems: dict[str, list[Row]]
    failed: int
    has_oracle: bool = False

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
    return Lineup(lineup, len(base) - len(base_rows), oracle is not None)


def best_of(base: Row, robust: Row) -> Row:
    """The row with fewer edits; the base row on a tie."""
    return robust if robust["num_edits"] < base["num_edits"] else base


def compare(
    rows: Sequence[Row], base: Sequence[Row], seed: int = 0, by: Sequence[str] = (), cluster: str | None = None
) -> dict[str, Any]:
    """`compare_systems` for one system, named ``this``, whose rows are sliced; errors as for `line_up` too."""
    return compare_systems(line_up(base, {THIS: rows}), seed, by, cluster, sliced=THIS)


def compare_systems(
    lineup: Lineup,
    seed: int = 0,
    by: Sequence[str] = (),
    cluster: str | None = None,
    ours: str | None = None,
    sliced: str = BASE,
    baselines: Sequence[str] = (),
) -> dict[str, Any]:
    """Figures of every system on every slice.

    Args:
        lineup: the systems.
        seed: seed of the bootstrap.
        by: additional fields to slice by.
        cluster: what the intervals resample, as for `megaasr_plugins.evaluation.clusters.clusters_of`.
        ours: name of a system that is also compared with the best of the baselines on each slice: that with the
            fewest edits, the first of several. The best is chosen on the rows that it is then compared
            on, so its error rate is too low by chance and the difference favours it; the interval does not include
            the choice.
        sliced: name of the system whose rows are sliced and clustered.
        baselines: names of the systems that `ours` is compared with; none: every other one, the oracle excepted.

    Returns:
        ``utterances``, ``failed_in_any``, ``clusters``, and ``slices`` by name. Each slice has ``metric``,
        ``utterances``, ``tokens``, ``clusters``, ``degraded`` (whether each of its rows is degraded), ``systems``
        (name -> the figures of `slice_figures` with ``difference``, ``capped_difference`` and
        ``relative_difference`` to the base, which are None for the base) and, with `ours`, ``against_best``. All
        intervals of a slice are over the same resamples.

    Raises:
        UnknownNameError, ParameterError, ManifestError: a field of `by` cannot be used for slices, `cluster` not for
            clusters, or `ours` or one of `baselines` is not the name of a system.
    """
    candidates = [name for name in lineup.systems if not (lineup.has_oracle and name == ORACLE)]
    if ours is not None and ours not in candidates[1:]:
        raise unknown_name("system", ours, candidates[1:])
    others = [name for name in candidates if name != ours]
    if strange := [name for name in baselines if name not in others]:
        raise unknown_name("baseline", strange[0], others)
    against = [name for name in others if name in baselines] if baselines else others
    own = lineup.systems[sliced]
    clusters = clusters_of(own, cluster)
    place = {id(row): index for index, row in enumerate(own)}
    figures = {}
    for name, members in slices(own, by).items():
        systems = {system: [rows[place[id(row)]] for row in members] for system, rows in lineup.systems.items()}
        figures[name] = {
            **_slice(systems, seed, clusters.of(members), ours, against),
            "degraded": all(map(is_degraded, members)),
        }
    return {
        "utterances": len(own),
        "failed_in_any": lineup.failed,
        "clusters": clusters.as_json(),
        "slices": figures,
    }


def _slice(
    systems: Mapping[str, list[Row]], seed: int, clusters: list[int], ours: str | None, baselines: Sequence[str]
) -> dict[str, Any]:
    columns = {name: edit_columns(rows) for name, rows in systems.items()}
    edit_sums = [column for edits, capped, _ in columns.values() for column in (edits, capped)]
    lengths, *sums = bootstrap_sums([columns[BASE][2], *edit_sums], seed, clusters)
    edits, capped = (dict(zip(systems, sums[start::2], strict=True)) for start in (0, 1))

    def paired_differences(name: str, base: str) -> dict[str, Any]:
        relative = relative_of(edits[name], edits[base])
        return {
            "difference": asdict(rate_of(edits[name] - edits[base], lengths)),
            "capped_difference": asdict(rate_of(capped[name] - capped[base], lengths)),
            "relative_difference": asdict(relative) if relative else None,
        }

    figures = {
        name: {
            **slice_figures(rows, rate_of(edits[name], lengths), rate_of(capped[name], lengths)),
            **(dict.fromkeys(DIFFERENCES) if name == BASE else paired_differences(name, BASE)),
        }
        for name, rows in systems.items()
    }
    shared = ("metric", "utterances", "tokens")
    result: dict[str, Any] = {
        **{name: figures[BASE][name] for name in shared},
        "clusters": len(set(clusters)),
        "systems": {
            system: {name: value for name, value in of_system.items() if name not in shared}
            for system, of_system in figures.items()
        },
    }
    if ours is not None:
        best = min(baselines, key=lambda name: edits[name].whole)
        result["against_best"] = {"baseline": best, **paired_differences(ours, best)}
    return result

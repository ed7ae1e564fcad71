"""Clusters of rows that are not independent: one speaker, one sentence, or one value of a field of the rows."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass, field
from typing import Any

from megaasr import ManifestError, language_code, normalise, unknown_name

from .pairing import utterance_of

Row = dict[str, Any]
SPEAKER, SENTENCE, ROW = "speaker", "sentence", "row"
LEAST_SPEAKERS = 10
"""Minimum number of speakers for which speakers are resampled by default. Over G equal clusters, a percentile interval
of nominally 95 % covers P(|t| < 1.96 sqrt((G - 1) / G)) with G - 1 degrees of freedom: 90 % for 10, 85 % for 5."""
SOURCE_PART = ("source_offset_s", "source_duration_s", "source_channel")


@dataclass(frozen=True)
class Clusters:
    """Which rows are resampled together. Create it with `clusters_of`.

    Args:
        by: ``speaker``, ``sentence``, ``row`` or the name of a field.
        reason: why it was chosen, for people.
        count: number of clusters.
    """

    by: str
    reason: str
    count: int
    _rows: tuple[Row, ...] = field(repr=False)  # keeps the rows alive, by whose identity clusters are found
    _numbers: dict[int, int] = field(repr=False)

    def of(self, rows: Sequence[Row]) -> list[int]:
        """The number of each row's cluster; the rows are among those that `clusters_of` got."""
        return [self._numbers[id(row)] for row in rows]

    def as_json(self) -> dict[str, Any]:
        """For the report: ``field``, ``reason`` and ``count``."""
        return {"field": self.by, "reason": self.reason, "count": self.count}


def clusters_of(rows: Sequence[Row], by: str | None = None) -> Clusters:
    """Divide rows into clusters that a bootstrap resamples as a whole (`megaasr_plugins.evaluation.intervals`).

    By default, in this order:

    1. ``speaker``: the field ``speaker``, or ``speakers`` (a list), if every row has one and there are at least
       `LEAST_SPEAKERS`.
    2. ``sentence``: rows of equal reference, after normalisation, or of equal field ``sentence``, and rows made of one
       recording: equal ``utterance`` (a name, or a list of names if a row was joined from several), equal
       ``source_audio`` and part of it (as `megaasr corpus render` writes it), or equal ``utterance`` of the recipe.
    3. ``row``: every row is a cluster, if no row has any of these.

    A row with several values is in the cluster of each, so that rows which share a value, directly or through other
    rows, are one cluster. Clusters are one-way: rows that share a speaker and also a noise with other speakers' rows
    are clusters by one of the two only.

    Args:
        rows: rows of a manifest or of results.
        by: ``speaker``, ``sentence``, ``row``, or a field that every row has; None: the default.

    Raises:
        UnknownNameError: no row has the field `by`.
        ManifestError: a row lacks it.
    """
    if by is not None:
        check_cluster(rows, by)
        return _clusters(rows, by, "as given", [NAMED[by](row) if by in NAMED else _values(row, by) for row in rows])
    speakers = [NAMED[SPEAKER](row) for row in rows]
    if rows and all(speakers):
        found = _clusters(rows, SPEAKER, "every row has one", speakers)
        if found.count >= LEAST_SPEAKERS:
            return found
        why = f"reference or source; {found.count} by speaker are fewer than {LEAST_SPEAKERS}"
    else:
        why = "reference or source; not every row has a speaker"
    sentences = [_sentence_keys(row) for row in rows]
    if any(sentences):
        return _clusters(rows, SENTENCE, why, sentences)
    return _clusters(rows, ROW, "no row has a speaker, a reference or a source", [[] for _ in rows])


def check_cluster(rows: Sequence[Row], by: str | None) -> None:
    """Check, before long work, that `clusters_of` can divide these rows by `by`; its errors."""
    if by is None or by in (SENTENCE, ROW):
        return
    known = {name for row in rows for name in row}
    if rows and by not in known | {SPEAKER}:
        raise unknown_name("field", by, known | set(NAMED))
    missing = [row for row in rows if not (NAMED[by](row) if by in NAMED else _values(row, by))]
    if missing:
        more = f" ({len(missing)} rows lack it)" if len(missing) > 1 else ""
        raise ManifestError(f"--cluster {by}: {utterance_of(missing[0])} has no {by!r}{more}; every row needs one")


def _clusters(rows: Sequence[Row], by: str, reason: str, keys: Sequence[Sequence[Hashable]]) -> Clusters:
    numbers = _components(keys)
    of_row = {id(row): number for row, number in zip(rows, numbers, strict=True)}
    return Clusters(by, reason, len(set(numbers)), tuple(rows), of_row)


def _components(keys: Sequence[Sequence[Hashable]]) -> list[int]:
    """The number of each row's connected component, by rows and keys as nodes; a row without keys is alone."""
    import numpy as np
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    nodes: dict[Hashable, int] = {}
    edges = [(row, nodes.setdefault(key, len(keys) + len(nodes))) for row, of_row in enumerate(keys) for key in of_row]
    if not edges:
        return list(range(len(keys)))
    first, second = zip(*edges, strict=True)
    size = len(keys) + len(nodes)
    graph = coo_array((np.ones(len(edges), np.int8), (first, second)), shape=(size, size))
    labels = connected_components(graph, directed=False)[1]
    return [int(label) for label in labels[: len(keys)]]


def _values(row: Row, name: str) -> list[Hashable]:
    """The values of a field, as texts; none if it is missing, null or empty."""
    value = row.get(name)
    values = value if isinstance(value, (list, tuple)) else [value]
    return [(name, str(one)) for one in values if one is not None and one != ""]


def _sentence_keys(row: Row) -> list[Hashable]:
    keys = [*_values(row, "utterance"), *_values(row, SENTENCE)]
    recipe = row.get("recipe")
    if isinstance(recipe, dict):
        keys += [("recipe", value) for value in _values(recipe, "utterance")]
    if source := _values(row, "source_audio"):
        keys.append(("source", *source, *(str(row.get(name)) for name in SOURCE_PART)))
    reference = row["answer"] if row.get("answer") is not None else row.get("text")
    if isinstance(reference, str):
        language = language_code(row.get("language"))
        if words := normalise(reference, language):
            keys.append(("words", language, words))
    return keys


NAMED: dict[str, Callable[[Row], list[Hashable]]] = {
    SPEAKER: lambda row: _values(row, SPEAKER) or _values(row, "speakers"),
    SENTENCE: _sentence_keys,
    ROW: lambda _: [],
}
"""Values of `--cluster` that are not merely the name of a field, with the keys of a row."""

"""Which of several adapters is best: by WER on dev sets, and not by loss; guarded by the rates of useless output."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from pydantic import Field

from megaasr import Backend, Plugins, Transcriber

from ..evaluation.evaluate import evaluate, item_of
from ..evaluation.intervals import Interval
from ..evaluation.summary import edit_columns, slice_figures
from .training_clips import LIMITS, Source

if TYPE_CHECKING:
    from .clip_trainer import ClipTrainer

USELESS = ("empty", "repetitive", "invented")


class DevSet(Source):
    """A manifest to choose by.

    Args:
        name: in reports.
        weight: of its relative WER among the other sets'.
        most_worse: how far its WER may lie above the base's, in points, such as 0.2 for clean speech; None: any.
    """

    name: str = Field(pattern=r"^[a-z0-9_]+$")
    weight: float = Field(1.0, gt=0)
    most_worse: float | None = Field(None, ge=0)


@dataclass(frozen=True)
class Score:
    """What a system makes of one dev set.

    Args:
        wer: errors / words; capped_wer: with at most as many errors in an utterance as it has words.
        words, utterances: of the set.
        runaways: utterances with more errors than words.
        empty, repetitive, invented, deleted: shares of the utterances.
    """

    wer: float
    capped_wer: float
    words: int
    utterances: int
    runaways: int
    empty: float
    repetitive: float
    invented: float
    deleted: float

    @property
    def useless(self) -> float:
        """Share of outputs that are empty, repetitive or invented."""
        return self.empty + self.repetitive + self.invented


Scores = dict[str, Score]


@dataclass(frozen=True)
class Candidate:
    """An adapter that could be chosen: what it is, its scores, and why it may not be (nothing: it may)."""

    name: str
    scores: Scores
    relative_wer: float
    faults: tuple[str, ...]

    def as_json(self) -> dict[str, Any]:
        """For the report."""
        scores = {name: asdict(score) for name, score in self.scores.items()}
        return {"name": self.name, "relative_wer": self.relative_wer, "faults": list(self.faults), "dev": scores}


def score_on(backend: Backend, settings: ClipTrainer, plugins: Plugins, *, adapter: bool) -> Scores:
    """Decode the dev sets of the settings, by the base or through the mounted adapter ``robust``.

    A row that cannot be read ends the run: a choice by the readable rest would be another choice.
    """
    router = plugins.routers["always_robust" if adapter else "always_base"].create()
    options = backend.make_options(settings.decode)
    transcriber = Transcriber(backend, router, options, batch_size=settings.eval_batch_size)
    return {one.name: _score_on(transcriber, one, plugins) for one in settings.dev}


def _score_on(transcriber: Transcriber, dev: DevSet, plugins: Plugins) -> Score:
    from megaasr import ManifestError

    items = [item_of(row, dev.root, where) for where, row in dev.rows(plugins)]
    rows = list(evaluate(items, transcriber, LIMITS, plugins))
    for row in rows:
        if "error" in row:
            raise ManifestError(f"{dev.manifest}: {row['error']}")
    edits, capped, words = map(sum, edit_columns(rows))
    wer, capped_wer = edits / max(words, 1), capped / max(words, 1)
    figures = slice_figures(rows, Interval(wer, None, None), Interval(capped_wer, None, None))
    return Score(
        wer=wer,
        capped_wer=capped_wer,
        words=figures["tokens"],
        utterances=figures["utterances"],
        runaways=figures["runaways"],
        **{share: figures[f"{share}_rate"] for share in (*USELESS, "deleted")},
    )


def candidate(name: str, scores: Scores, base: Scores, sets: Sequence[DevSet], tolerance: float) -> Candidate:
    """Hold an adapter's scores against the base's.

    Args:
        tolerance: how far the share of useless outputs may lie above the base's, on any set.
    """
    faults = []
    for one in sets:
        own, due = scores[one.name], base[one.name]
        if own.useless > due.useless + tolerance:
            faults.append(f"{one.name}: {own.useless:.1%} of the outputs are useless, {due.useless:.1%} of the base's")
        if one.most_worse is not None and 100 * (own.wer - due.wer) > one.most_worse:
            faults.append(f"{one.name}: WER {own.wer:.1%} is more than {one.most_worse:g} points above {due.wer:.1%}")
    total = sum(one.weight for one in sets)
    relative = sum(one.weight * _ratio(scores[one.name].wer, base[one.name].wer) for one in sets) / total
    return Candidate(name, scores, relative, tuple(faults))


def best_of(candidates: Sequence[Candidate]) -> Candidate:
    """The lowest mean of WER / base's WER among those without faults; where all have some, among all."""
    sound = [one for one in candidates if not one.faults] or list(candidates)
    return min(sound, key=lambda one: one.relative_wer)


def _ratio(wer: float, base: float) -> float:
    """WER / base's; one more error than a base without errors counts as one point more."""
    return wer / base if base else 1.0 + 100 * wer


def read_scores(found: Mapping[str, Any]) -> Scores:
    """Scores as `dataclasses.asdict` gave them."""
    return {name: Score(**score) for name, score in found.items()}

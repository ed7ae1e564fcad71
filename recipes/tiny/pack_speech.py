"""Join utterances into passages that fill the recogniser's window; each passage has the text of all its utterances.

    python -m recipes.tiny.pack_speech MANIFEST.jsonl --out OUT/packs --count 6000

The encoder always processes 15 s, at the same cost for 3 s of speech as for 14 s; a passage holds more training speech.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import numpy as np
import soxr
import typer

from megaasr import SAMPLE_RATE_HZ, ManifestError, SampleKey, Samples

from . import command, dataset_files
from .dataset_files import MANIFEST, Row

SYNTHETIC = "(synthetic)"
"""Ending of `text_source` in the rows of synthetic voices."""
LONGEST_S = 14.6
"""Longest passage; below 15 s, so that a reverberant tail stays within the window."""
SPEEDS = (0.88, 1.14)
"""Lowest and highest speed factor of an utterance in train; dev keeps the original speed."""


@dataclass(frozen=True)
class PassagePart:
    """An utterance of a passage, played `speed` times as fast, which also raises its pitch (Ko et al. 2015)."""

    row: Row
    speed: float

    @property
    def duration_s(self) -> float:
        """The duration in the passage."""
        seconds: float = self.row["duration_s"]
        return seconds / self.speed

    def samples(self, root: Path) -> Samples:
        """The resampled audio; different speeds sound like different talkers."""
        recorded = dataset_files.read_clip(root / self.row["audio"])
        resampled: Samples = soxr.resample(recorded, SAMPLE_RATE_HZ * self.speed, SAMPLE_RATE_HZ)
        return resampled


def draw(rows: list[Row], single: float, speeds: tuple[float, float], rng: np.random.Generator) -> list[PassagePart]:
    """Draw the utterances of one passage: one with probability `single`, else as many as fit into a drawn length."""
    limit_s = 0.0 if rng.random() < single else rng.uniform(8.0, LONGEST_S)
    chosen: list[PassagePart] = []
    while True:
        candidate = PassagePart(rows[rng.integers(len(rows))], rng.uniform(*speeds))
        if chosen and sum(part.duration_s + 0.5 for part in [*chosen, candidate]) > limit_s:
            return chosen
        chosen.append(candidate)


def join(parts: list[Samples], rng: np.random.Generator) -> Samples:
    """The utterances concatenated, each with a gain of -4 to 4 dB, with silences of 0.05 to 0.5 s between them."""
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
        real: share of passages of human speakers; the other passages are of synthetic voices.
        single: share of passages with one utterance.
    """
    kinds: dict[bool, list[Row]] = {True: [], False: []}
    for row in rows:
        if row["duration_s"] <= LONGEST_S * SPEEDS[0]:
            kinds[SYNTHETIC not in str(row.get("text_source"))].append(row)
    made = []
    for number in range(count):
        rng = SampleKey(seed, f"passage {number}").rng("pack")
        candidates = kinds[rng.random() < real] or kinds[True] or kinds[False]
        speeds = SPEEDS if candidates[0].get("split", "train") == "train" else (1.0, 1.0)
        chosen = draw(candidates, single, speeds, rng)
        samples = join([part.samples(root) for part in chosen], rng)
        path = Path("audio") / f"{number // 1000:03d}" / f"{number:06d}.flac"
        dataset_files.write_clip(out / path, samples)
        made.append(
            {
                "audio": str(path),
                "text": " ".join(part.row["text"].strip() for part in chosen),
                "language": "en",
                "duration_s": dataset_files.duration_s(samples),
                "utterances": len(chosen),
                "utterance": sorted({part.row["audio"] for part in chosen}),
                "speakers": sorted({part.row["speaker"] for part in chosen}),
                "source": "; ".join(sorted({part.row["source"] for part in chosen})),
                "licence": "; ".join(sorted({part.row["licence"] for part in chosen})),
                "split": candidates[0].get("split", "train"),
            }
        )
    return made


def thinned(rows: list[Row], folder: str) -> list[Row]:
    """The rows without every second clip below ``audio/FOLDER/``.

    Raises:
        ManifestError: no clip lies below that folder.
    """
    paths = [row["audio"] for row in rows if row["audio"].startswith(f"audio/{folder}/")]
    if not paths:
        folders = sorted({part for row in rows for part in Path(row["audio"]).parent.parts[1:2]})
        raise ManifestError(f"--thin {folder}: no clip lies below audio/{folder}; there are {', '.join(folders)}")
    left_out = set(paths[::2])
    return [row for row in rows if row["audio"] not in left_out]


def main(
    manifest: Annotated[Path, typer.Argument(help="Clean utterances, as select_speech writes them.")],
    out: Annotated[Path, typer.Option(help="Folder to write the passages to.")],
    count: Annotated[int, typer.Option(min=1, help="Number of passages.")],
    real: Annotated[float, typer.Option(min=0, max=1, help="Share of passages of human speakers.")] = 0.75,
    single: Annotated[float, typer.Option(min=0, max=1, help="Share of passages with one utterance.")] = 0.25,
    seed: Annotated[int, typer.Option(help="Seed of the draw.")] = 0,
    thin: Annotated[str, typer.Option(metavar="NAME", help="Use every second clip below audio/NAME.")] = "",
) -> None:
    """Join utterances into passages of up to 14.6 s."""
    rows = dataset_files.read_rows(manifest)
    if not rows:
        raise ManifestError(f"{manifest}: holds no rows")
    rows = thinned(rows, thin) if thin else rows
    digest = dataset_files.digest_of(dataset_files.code_digest(__file__), rows, count, real, single, seed)
    if not dataset_files.is_done(out, digest):
        dataset_files.mark_undone(out)
        dataset_files.write_manifest(out / MANIFEST, pack(rows, manifest.parent, out, count, real, single, seed))
        dataset_files.mark_done(out, digest)
    made = dataset_files.read_rows(out / MANIFEST)
    command.say(f"{len(made)} passages, {sum(row['duration_s'] for row in made) / 3600:.2f} h: {out / MANIFEST}")


if __name__ == "__main__":
    command.run(main)

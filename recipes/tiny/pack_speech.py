"""Make training clips of single utterances, short groups of utterances, and passages; each has the text of all of them.

    python -m recipes.tiny.pack_speech MANIFEST.jsonl --out OUT/packs --count 6000

The encoder always processes 15 s, at the same cost for 3 s of speech as for 13 s; a longer clip holds more speech, a
shorter one is like the clips of up to 8 s that Whisper decodes in that window.
"""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path
from typing import Annotated

import numpy as np
import soxr
import typer

from megaasr import SAMPLE_RATE_HZ, ManifestError, ParameterError, SampleKey, Samples

from . import command, dataset_files
from .dataset_files import MANIFEST, Row

SYNTHETIC = "(synthetic)"
"""Ending of `text_source` in the rows of synthetic voices."""
SHORT_S = 8.0
"""Longest short clip; longer recordings are decoded in another window, of 30 s."""
GAP_S = (0.05, 0.5)
"""Shortest and longest silence between two utterances."""
SPEEDS = (0.88, 1.14)
"""Lowest and highest speed factor of an utterance."""


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


@dataclass(frozen=True)
class Lengths:
    """How long the clips are.

    Args:
        single: share of the clips with one utterance.
        short: share of the clips with as many utterances as fit into 3 to 8 s.
        longest_s: longest clip; what remains of the window of 15 s is silence. Clips that are neither single nor short
            have as many utterances as fit into 8 s to this duration.
    """

    single: float = 0.4
    short: float = 0.4
    longest_s: float = 13.5

    def limit_s(self, rng: np.random.Generator) -> float:
        """The duration in seconds that the utterances of one clip must fit into; 0 for one utterance."""
        place = rng.random()
        if place < self.single:
            return 0.0
        return rng.uniform(3.0, SHORT_S) if place < self.single + self.short else rng.uniform(SHORT_S, self.longest_s)


def draw(rows: list[Row], lengths: Lengths, rng: np.random.Generator) -> list[PassagePart]:
    """Draw the utterances of one clip; the first is taken however long it is."""
    limit_s = lengths.limit_s(rng)
    chosen: list[PassagePart] = []
    while True:
        row = rows[rng.integers(len(rows))]
        slowest = max(SPEEDS[0], row["duration_s"] / lengths.longest_s)
        candidate = PassagePart(row, rng.uniform(slowest, SPEEDS[1]))
        if chosen and sum(part.duration_s + GAP_S[1] for part in [*chosen, candidate]) > limit_s:
            return chosen
        chosen.append(candidate)


def join(parts: list[Samples], rng: np.random.Generator) -> Samples:
    """The utterances concatenated, each with a gain of -4 to 4 dB, with silences of 0.05 to 0.5 s between them."""
    pieces: list[Samples] = []
    for part in parts:
        gain = np.float32(10.0 ** (rng.uniform(-4.0, 4.0) / 20.0))
        gap = np.zeros(int(rng.uniform(*GAP_S) * SAMPLE_RATE_HZ), np.float32)
        pieces += [part * gain, gap]
    whole: Samples = np.concatenate(pieces[:-1])
    return whole / max(1.0, float(np.abs(whole).max()))


def pack(rows: list[Row], root: Path, out: Path, count: int, real: float, lengths: Lengths, seed: int) -> list[Row]:
    """Write `count` clips.

    Args:
        real: share of clips of human speakers; the other clips are of synthetic voices.
    """
    kinds: dict[bool, list[Row]] = {True: [], False: []}
    for row in rows:
        if row["duration_s"] <= lengths.longest_s:
            kinds[not is_synthetic(row)].append(row)
    made = []
    for number in range(count):
        rng = SampleKey(seed, f"passage {number}").rng("pack")
        candidates = kinds[rng.random() < real] or kinds[True] or kinds[False]
        chosen = draw(candidates, lengths, rng)
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
                "split": "train",
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


def of_speakers(rows: list[Row], share: float) -> list[Row]:
    """The rows of all synthetic voices and of a share of the human speakers; a larger share holds the smaller ones.

    Raises:
        ManifestError: no human speaker is left.
    """

    def is_kept(row: Row) -> bool:
        digest = blake2b(str(row["speaker"]).encode(), digest_size=8).digest()
        return int.from_bytes(digest, "big") < share * 2**64

    kept = [row for row in rows if is_synthetic(row) or is_kept(row)]
    if all(map(is_synthetic, kept)):
        raise ManifestError(f"--speakers {share:g}: no human speaker is left")
    return kept


def is_synthetic(row: Row) -> bool:
    """Whether the voice of a row is synthetic."""
    return SYNTHETIC in str(row.get("text_source"))


def main(
    manifest: Annotated[Path, typer.Argument(help="Clean utterances, as select_speech writes them.")],
    out: Annotated[Path, typer.Option(help="Folder to write the clips to.")],
    count: Annotated[int, typer.Option(min=1, help="Number of clips.")],
    real: Annotated[float, typer.Option(min=0, max=1, help="Share of clips of human speakers.")] = 0.75,
    single: Annotated[float, typer.Option(min=0, max=1, help="Share of clips with one utterance.")] = 0.4,
    short: Annotated[float, typer.Option(min=0, max=1, help="Share of groups of utterances of up to 8 s.")] = 0.4,
    longest_s: Annotated[float, typer.Option(min=8, max=15, help="Longest clip in seconds.")] = 13.5,
    seed: Annotated[int, typer.Option(help="Seed of the draw.")] = 0,
    thin: Annotated[str, typer.Option(metavar="NAME", help="Use every second clip below audio/NAME.")] = "",
    speakers: Annotated[float, typer.Option(min=0, max=1, help="Share of the human speakers to use.")] = 1.0,
) -> None:
    """Make training clips of one or more utterances each."""
    rows = dataset_files.read_rows(manifest)
    if not rows:
        raise ManifestError(f"{manifest}: holds no rows")
    if single + short > 1:
        raise ParameterError(f"--single {single:g} and --short {short:g} add up to {single + short:g}; at most 1 fits")
    rows = of_speakers(thinned(rows, thin) if thin else rows, speakers)
    lengths = Lengths(single, short, longest_s)
    digest = dataset_files.digest_of(dataset_files.code_digest(__file__), rows, count, real, lengths, seed)
    if not dataset_files.is_done(out, digest):
        dataset_files.mark_undone(out)
        dataset_files.write_manifest(out / MANIFEST, pack(rows, manifest.parent, out, count, real, lengths, seed))
        dataset_files.mark_done(out, digest)
    made = dataset_files.read_rows(out / MANIFEST)
    command.say(f"{len(made)} clips, {sum(row['duration_s'] for row in made) / 3600:.2f} h: {out / MANIFEST}")


if __name__ == "__main__":
    command.run(main)

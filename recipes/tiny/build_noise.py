"""Build the noise of the recipe: recorded noise as it is, and noise made from recordings, speech and Gaussian noise.

    python -m recipes.tiny.build_noise NOISE.jsonl --speech train.jsonl --speech choose.jsonl --out OUT/noise

The field ``split`` of each row is its part: train, choose or report. A clip is made of recordings and speakers of one
part and belongs to that part; the speakers make babble.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import numpy as np
import typer

from megaasr import ManifestError, SampleKey, atomic_path

from . import command, dataset_files, levels, noise_mixes, noise_shapes
from .dataset_files import Row
from .parts import PARTS, check_parts

MADE_HERE = "made by recipes/tiny"
SHARES = {"shaped": 0.4, "babble": 0.25, "mixture": 0.35}
LEVEL_DB = (-34.0, -24.0)
"""Lowest and highest RMS in dBFS of made clips; `add_noise` rescales them to its SNR."""


@dataclass(frozen=True)
class Sources:
    """The recordings that noise is made from, by split.

    Args:
        recorded: rows of noise, each with the absolute path of its file as ``from``.
        speakers: recordings of each speaker.
        licences: licence of each speaker's recordings.
    """

    recorded: dict[str, list[Row]]
    speakers: dict[str, dict[str, list[Path]]]
    licences: dict[str, str]


def gather(noise: list[Path], speech: list[Path]) -> Sources:
    """Read manifests of noise and manifests of speech.

    Raises:
        ManifestError: a recording or a speaker is in two parts, or a row is in none.
    """
    recorded: dict[str, list[Row]] = {part: [] for part in PARTS}
    for manifest in noise:
        for row in dataset_files.read_rows(manifest, PARTS):
            fields = {"split": "train", "recording": row["audio"], "category": "other", **row}
            recorded[fields["split"]].append({**fields, "from": str(manifest.parent.resolve() / row["audio"])})
    speakers: dict[str, dict[str, list[Path]]] = {part: {} for part in PARTS}
    voices: dict[str, list[Row]] = {part: [] for part in PARTS}
    licences: dict[str, str] = {}
    for manifest in speech:
        for row in dataset_files.read_rows(manifest, PARTS):
            if row["duration_s"] >= 1.0:
                part, speaker = row.get("split", "train"), str(row["speaker"])
                speakers[part].setdefault(speaker, []).append(manifest.parent / row["audio"])
                voices[part].append({"audio": row["audio"], "speaker": speaker})
                licences[speaker] = str(row["licence"])
    check_parts({part: [*recorded[part], *voices[part]] for part in PARTS})
    return Sources(recorded, speakers, licences)


def make(kind: str, name: str, split: str, sources: Sources, duration_s: float, seed: int) -> tuple[Row, np.ndarray]:
    """The row and the samples of one made clip; the seed and the clip's name determine both."""
    key = SampleKey(seed, f"{split}/{name}")
    rng = key.rng("noise")
    row: Row = {"recording": f"tiny-{split}-{name}", "split": split, "source": f"{MADE_HERE}: {kind}"}
    if kind == "shaped":
        shape = sorted(noise_shapes.SHAPES)[int(rng.integers(len(noise_shapes.SHAPES)))]
        samples = noise_shapes.shaped_noise(shape, duration_s, rng)
        row |= {"category": f"shaped_{shape}", "licence": "CC0 1.0"}
    elif kind == "babble":
        speakers = sources.speakers[split]
        samples, chosen = noise_mixes.babble(speakers, int(rng.integers(3, 9)), duration_s, rng)
        row |= {"category": "babble_few" if len(chosen) < 6 else "babble_many", "speakers": chosen}
        row["licence"] = " + ".join(sorted({sources.licences[speaker] for speaker in chosen}))
    else:
        first, second = _two_recordings(sources.recorded[split], rng)
        samples = noise_mixes.mixture(Path(first["from"]), Path(second["from"]), duration_s, rng)
        row |= {"category": "mixture", "recordings": [first["recording"], second["recording"]]}
        row["licence"] = " + ".join(sorted({str(first["licence"]), str(second["licence"])}))
    return row, levels.at_level(samples, float(rng.uniform(*LEVEL_DB)))


def _two_recordings(rows: list[Row], rng: np.random.Generator) -> tuple[Row, Row]:
    # Draw the categories first: a few of them hold half of the recordings.
    by_category: dict[str, list[Row]] = {}
    for row in sorted(filter(noise_mixes.is_mixable, rows), key=lambda row: row["audio"]):
        by_category.setdefault(row["category"], []).append(row)
    names = sorted(by_category)
    first_of, second_of = (by_category[names[index]] for index in rng.choice(len(names), 2, replace=False))
    first = first_of[int(rng.integers(len(first_of)))]
    others = [row for row in second_of if row["recording"] != first["recording"]] or second_of
    return first, others[int(rng.integers(len(others)))]


def plan(count: int) -> Iterator[tuple[str, str]]:
    """The kind and the name of each of `count` made clips."""
    counts = {kind: round(share * count) for kind, share in SHARES.items()}
    counts["shaped"] += count - sum(counts.values())
    for kind, kind_count in counts.items():
        yield from ((kind, f"{kind}-{number:04d}") for number in range(kind_count))


def build(
    noise: list[Path], speech: list[Path], out: Path, train: int, held: int, duration_s: float = 10.0, seed: int = 0
) -> list[Row]:
    """Build OUT/{audio,manifest.jsonl} and return its rows; a folder completed from the same inputs is only read.

    Args:
        noise, speech: manifests whose rows have their part as ``split``.
        train: number of clips to make for train.
        held: number of clips to make for choose, and for report.
    """
    counts = dict(zip(PARTS, (train, held, held), strict=True))
    modules = (dataset_files, levels, noise_mixes, noise_shapes)
    code = dataset_files.code_digest(__file__, *(str(module.__file__) for module in modules))
    texts = [path.read_text(encoding="utf-8") for path in [*noise, *speech]]
    digest = dataset_files.digest_of(noise, speech, counts, duration_s, seed, texts, code)
    if dataset_files.is_done(out, digest):
        return dataset_files.read_rows(out / dataset_files.MANIFEST, PARTS)
    dataset_files.mark_undone(out)
    sources = gather(noise, speech)
    for split in PARTS:
        lacking = "speakers" if len(sources.speakers[split]) < 8 else ""
        lacking = lacking or ("noise categories" if len(_categories(sources.recorded[split])) < 2 else "")
        if lacking and counts[split]:
            needed = "8 speakers and 2 noise categories are needed"
            raise ManifestError(f"too few {lacking} in part {split} to make noise ({needed}); give more recordings")
    rows: list[Row] = []
    for split in PARTS:
        for number, row in enumerate(sources.recorded[split]):
            rows.append(copied(row, out, number))
        for kind, name in plan(counts[split]):
            row, samples = make(kind, name, split, sources, duration_s, seed)
            path = f"audio/{row['category']}/{split}-{name}.flac"
            dataset_files.write_clip(out / path, samples)
            rows.append({"audio": path, "duration_s": dataset_files.duration_s(samples), **row})
    dataset_files.sweep(out, (out / row["audio"] for row in rows))
    dataset_files.write_manifest(out / dataset_files.MANIFEST, rows)
    for split in PARTS:  # a noise bank is opened from one manifest
        dataset_files.write_manifest(out / f"{split}.jsonl", (row for row in rows if row["split"] == split))
    dataset_files.mark_done(out, digest)
    return rows


def _categories(rows: list[Row]) -> set[str]:
    return {row["category"] for row in rows if noise_mixes.is_mixable(row)}


def copied(row: Row, out: Path, number: int) -> Row:
    """Copy a recorded noise byte for byte and return its row."""
    source = Path(row["from"])
    category, stem = dataset_files.slug(row["category"]), dataset_files.slug(source.stem)
    name = f"audio/{category}/{row['split']}-{number:04d}-{stem}{source.suffix}"
    (out / name).parent.mkdir(parents=True, exist_ok=True)
    with atomic_path(out / name) as temporary:
        shutil.copyfile(source, temporary)
    return {"audio": name, **{field: value for field, value in row.items() if field not in ("audio", "from")}}


def main(
    noise: Annotated[list[Path], typer.Argument(help="Manifests of recorded noise, such as families writes.")],
    out: Annotated[Path, typer.Option(help="Folder to build.")],
    speech: Annotated[list[Path], typer.Option(help="Manifest of speech to make babble of. Repeatable.")],
    train: Annotated[int, typer.Option(min=0, help="Number of clips to make for train.")] = 400,
    held: Annotated[int, typer.Option(min=0, help="Number of clips to make for choose, and for report.")] = 60,
    seed: Annotated[int, typer.Option(help="Seed of the made clips.")] = 0,
) -> None:
    """Build noise: recorded clips as they are, shaped noise, babble and mixtures."""
    rows = build(noise, speech, out, train, held, seed=seed)
    command.show(command.summary_of(rows, "category"))


if __name__ == "__main__":
    command.run(main)

"""Noise of the recipe: recorded noise as it is, and more made from it, from speech and from Gaussian noise.

    python -m recipes.tiny.build_noise DATA [DATA ...] --out OUT/noise

A DATA is a folder with ``noise/manifest.jsonl``, and ``speech/manifest.jsonl`` where babble is to be made of it.
What is made of train recordings or speakers is train, what is made of dev ones is dev.
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

from . import clips, command, levels, noise_mixes, noise_shapes
from .clips import Row

MADE_HERE = "made by recipes/tiny"
SHARES = {"shaped": 0.4, "babble": 0.25, "mixture": 0.35}
LEVEL_DB = (-34.0, -24.0)
"""RMS in dBFS of what is made; adding noise scales it anyway."""


@dataclass(frozen=True)
class Sources:
    """What noise is made from, by split.

    Args:
        recorded: rows with the absolute path of their file as ``from``.
        speakers: recordings of each speaker.
        licences: of each speaker's recordings.
    """

    recorded: dict[str, list[Row]]
    speakers: dict[str, dict[str, list[Path]]]
    licences: dict[str, str]


def gather(noise: list[Path], speech: list[Path]) -> Sources:
    """Read manifests of noise and of speech.

    Raises:
        ManifestError: a recording or a speaker is in both splits.
    """
    recorded: dict[str, list[Row]] = {split: [] for split in clips.SPLITS}
    for manifest in noise:
        for row in clips.read_rows(manifest):
            fields = {"split": "train", "recording": row["audio"], "category": "other", **row}
            recorded[fields["split"]].append({**fields, "from": str(manifest.parent.resolve() / row["audio"])})
    speakers: dict[str, dict[str, list[Path]]] = {split: {} for split in clips.SPLITS}
    licences: dict[str, str] = {}
    for manifest in speech:
        for row in clips.read_rows(manifest):
            if row["duration_s"] >= 1.0:
                folk = speakers[row.get("split", "train")]
                folk.setdefault(str(row["speaker"]), []).append(manifest.parent / row["audio"])
                licences[str(row["speaker"])] = str(row["licence"])
    kinds = {
        "recording": [{row["recording"] for row in recorded[split]} for split in clips.SPLITS],
        "speaker": [set(speakers[split]) for split in clips.SPLITS],
    }
    for kind, (train, dev) in kinds.items():
        if train & dev:
            raise ManifestError(f"{kind} {min(train & dev)} is in both train and dev; mend the manifest")
    return Sources(recorded, speakers, licences)


def make(kind: str, name: str, split: str, sources: Sources, duration_s: float, seed: int) -> tuple[Row, np.ndarray]:
    """One made clip and its row, both determined by the seed and the clip's name."""
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
    # Categories first: half of the recordings are of a few of them.
    by_category: dict[str, list[Row]] = {}
    for row in sorted(filter(noise_mixes.is_mixable, rows), key=lambda row: row["audio"]):
        by_category.setdefault(row["category"], []).append(row)
    names = sorted(by_category)
    first_of, second_of = (by_category[names[index]] for index in rng.choice(len(names), 2, replace=False))
    first = first_of[int(rng.integers(len(first_of)))]
    others = [row for row in second_of if row["recording"] != first["recording"]] or second_of
    return first, others[int(rng.integers(len(others)))]


def plan(count: int) -> Iterator[tuple[str, str]]:
    """Kind and name of each of `count` made clips."""
    made = {kind: round(share * count) for kind, share in SHARES.items()}
    made["shaped"] += count - sum(made.values())
    for kind, many in made.items():
        yield from ((kind, f"{kind}-{number:04d}") for number in range(many))


def build(
    noise: list[Path], speech: list[Path], out: Path, train: int, dev: int, duration_s: float = 10.0, seed: int = 0
) -> list[Row]:
    """Build OUT/{audio,manifest.jsonl}; its rows. What was built to its end from the same inputs is left as it is."""
    modules = (clips, levels, noise_mixes, noise_shapes)
    code = clips.code_digest(__file__, *(str(module.__file__) for module in modules))
    texts = [path.read_text(encoding="utf-8") for path in [*noise, *speech]]
    digest = clips.digest_of(noise, speech, train, dev, duration_s, seed, texts, code)
    if clips.is_done(out, digest):
        return clips.read_rows(out / clips.MANIFEST)
    clips.mark_undone(out)
    sources = gather(noise, speech)
    for split in clips.SPLITS:
        few = "speakers" if len(sources.speakers[split]) < 8 else ""
        few = few or ("noise categories" if len(_categories(sources.recorded[split])) < 2 else "")
        if few and {"train": train, "dev": dev}[split]:
            raise ManifestError(f"too few {few} of split {split} to make noise of (8 and 2 are needed); give more DATA")
    rows: list[Row] = []
    for split in clips.SPLITS:
        for number, row in enumerate(sources.recorded[split]):
            rows.append(copied(row, out, number))
        for kind, name in plan({"train": train, "dev": dev}[split]):
            row, samples = make(kind, name, split, sources, duration_s, seed)
            path = f"audio/{row['category']}/{split}-{name}.flac"
            clips.write_clip(out / path, samples)
            rows.append({"audio": path, "duration_s": clips.duration_s(samples), **row})
    clips.sweep(out, (out / row["audio"] for row in rows))
    clips.write_manifest(out / clips.MANIFEST, rows)
    for split in clips.SPLITS:  # a bank of noise is one manifest
        clips.write_manifest(out / f"{split}.jsonl", (row for row in rows if row["split"] == split))
    clips.mark_done(out, digest)
    return rows


def _categories(rows: list[Row]) -> set[str]:
    return {row["category"] for row in rows if noise_mixes.is_mixable(row)}


def copied(row: Row, out: Path, number: int) -> Row:
    """Take over a recorded noise byte for byte."""
    source = Path(row["from"])
    name = f"audio/{clips.slug(row['category'])}/{row['split']}-{number:04d}-{clips.slug(source.stem)}{source.suffix}"
    (out / name).parent.mkdir(parents=True, exist_ok=True)
    with atomic_path(out / name) as temporary:
        shutil.copyfile(source, temporary)
    return {"audio": name, **{field: value for field, value in row.items() if field not in ("audio", "from")}}


def main(
    data: Annotated[list[Path], typer.Argument(help="Folders with noise/ and speech/.")],
    out: Annotated[Path, typer.Option(help="Folder to build.")],
    train: Annotated[int, typer.Option(help="Clips to make for train.")] = 400,
    dev: Annotated[int, typer.Option(help="Clips to make for dev.")] = 60,
    seed: int = 0,
) -> None:
    """Build noise: recorded clips as they are, shaped noise, babble and mixtures."""
    noise = [clips.find_manifest(place, "noise") for place in data]
    speech = [place / "speech" / clips.MANIFEST for place in data if (place / "speech" / clips.MANIFEST).is_file()]
    rows = build(noise, speech, out, train, dev, seed=seed)
    command.show(command.summary_of(rows, "category"))


if __name__ == "__main__":
    command.run(main)

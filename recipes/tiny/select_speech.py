"""Select clean speech of several manifests and rescale it; train and dev share no speaker and no sentence.

    python -m recipes.tiny.select_speech DATA [DATA ...] --out OUT/clean

A DATA is a folder with ``manifest.jsonl`` or ``speech/manifest.jsonl``; ``NAME=DATA`` names its folder under OUT.
"""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Annotated, Any

import typer

from megaasr import ManifestError, SampleKey, language_code, normalise, write_text

from . import casing, command, dataset_files, levels
from .casing import as_written
from .dataset_files import Row
from .held_out import HeldOut

CARRIED = ("gender", "age", "accent", "text_source", "mean_logprob", "whisper_base_text", "whisper_base_wer")
"""Optional fields that are copied into the new manifest where a row has them."""


@dataclass(frozen=True)
class Limits:
    """Limits of the selection.

    Args:
        max_wer: highest ``whisper_base_wer``; rows without that field are selected.
        min_s, max_s: shortest and longest duration in seconds.
        min_level_db, max_level_db: range of the active level in dBFS; the level of each clip is drawn from it.
    """

    max_wer: float = 0.3
    min_s: float = 1.0
    max_s: float = 15.0
    min_level_db: float = -30.0
    max_level_db: float = -20.0


def gather(places: list[str]) -> list[Row]:
    """The rows of all manifests, each with the absolute path of its file as ``from`` and a path under OUT as ``audio``.

    A row whose speaker and words are in an earlier manifest is left out.
    """
    rows: list[Row] = []
    known: set[tuple[str, str]] = set()
    for place in places:
        name, _, folder = place.rpartition("=")
        manifest = dataset_files.find_manifest(Path(folder), "speech")
        name = name or manifest.parent.name
        placed = [_placed(row, manifest, name) for row in dataset_files.read_rows(manifest)]
        rows += [row for row in placed if _speaker_and_words(row) not in known]
        known |= {_speaker_and_words(row) for row in placed}
    names = Counter(row["audio"] for row in rows)
    if rows and max(names.values()) > 1:
        raise ManifestError(
            f"{names.most_common(1)[0][0]}: two recordings would have this path; name their folders with NAME=DATA"
        )
    return rows


def _placed(row: Row, manifest: Path, name: str) -> Row:
    missing = [field for field in ("text", "speaker", "duration_s", "source", "licence") if field not in row]
    if missing:
        raise ManifestError(f"{manifest}: {row['audio']} lacks {', '.join(missing)}")
    inside = PurePosixPath(row["audio"])
    inside = PurePosixPath(*inside.parts[1:]) if inside.parts[0] == "audio" else inside
    placed = {"audio": str("audio" / PurePosixPath(dataset_files.slug(name)) / inside.with_suffix(".flac"))}
    return {"split": "train", **row, **placed, "from": str(manifest.parent.resolve() / row["audio"])}


def _speaker_and_words(row: Row) -> tuple[str, str]:
    return str(row["speaker"]), _sentence(row)


def _sentence(row: Row) -> str:
    return normalise(str(row["text"]))


def usable(row: Row, limits: Limits, held_out: HeldOut) -> str | None:
    """A short reason why a row is not selected; None when it is."""
    if language_code(row.get("language")) != "en":
        return "not English"
    if not limits.min_s <= row["duration_s"] <= limits.max_s:
        return "too short or long"
    if row.get("whisper_base_wer", 0.0) > limits.max_wer:
        return "base WER too high"
    if not _sentence(row):
        return "no words"
    return "held-out sentence" if held_out.holds(str(row["text"])) else None


def make_disjoint(rows: list[Row]) -> tuple[list[Row], int]:
    """Rows whose splits share no speaker and no sentence, and the number of rows dropped for that.

    A speaker of both splits goes to the split with most of the speaker's clips. A sentence of both splits is dropped
    from the split with fewer of its clips; at a tie from train, since dev is small.
    """
    balance: Counter[str] = Counter()
    for row in rows:
        balance[str(row["speaker"])] += 1 if row["split"] == "train" else -1
    moved = [{**row, "split": "train" if balance[str(row["speaker"])] >= 0 else "dev"} for row in rows]
    uses: dict[str, Counter[str]] = {}
    for row in moved:
        uses.setdefault(_sentence(row), Counter())[row["split"]] += 1
    dropped_side = {
        sentence: "train" if count["train"] <= count["dev"] else "dev"
        for sentence, count in uses.items()
        if len(count) > 1
    }
    kept = [row for row in moved if dropped_side.get(_sentence(row)) != row["split"]]
    return kept, len(moved) - len(kept)


def write_leveled(row: Row, out: Path, limits: Limits, seed: int) -> Row:
    """Write a clip at a level drawn by its key, and return its row of the new manifest."""
    rng = SampleKey(seed, row["audio"]).rng("level")
    target_db = float(rng.uniform(limits.min_level_db, limits.max_level_db))
    samples = levels.at_active_level(dataset_files.read_clip(Path(row["from"])), target_db)
    dataset_files.write_clip(out / row["audio"], samples)
    text = as_written(str(row["text"]), row.get("whisper_base_text"))
    fields: Row = {"audio": row["audio"], "text": text, "language": "en", "speaker": row["speaker"]}
    fields |= {"duration_s": dataset_files.duration_s(samples), "source": row["source"], "licence": row["licence"]}
    fields |= {"split": row["split"], "level_db": round(levels.active_level_db(samples), 2)}
    return fields | {name: row[name] for name in CARRIED if row.get(name) is not None}


def select(
    places: list[str], out: Path, limits: Limits, seed: int = 0, held_out_manifests: list[Path] | None = None
) -> dict[str, Any]:
    """Build OUT from manifests and return the summary, which is also written to OUT/summary.json."""
    manifests = [dataset_files.find_manifest(Path(place.rpartition("=")[2]), "speech") for place in places]
    texts = [path.read_text(encoding="utf-8") for path in [*manifests, *(held_out_manifests or [])]]
    modules = (__file__, str(casing.__file__), str(dataset_files.__file__), str(levels.__file__))
    digest = dataset_files.digest_of(places, limits, seed, texts, dataset_files.code_digest(*modules))
    if dataset_files.is_done(out, digest):
        summary: dict[str, Any] = json.loads((out / "summary.json").read_text(encoding="utf-8"))
        return summary | {"built": False}
    dataset_files.mark_undone(out)
    held_out = HeldOut.load(held_out_manifests or [])
    rows, left_out = [], Counter[str]()
    for row in gather(places):
        reason = usable(row, limits, held_out)
        if reason is None:
            rows.append(row)
        else:
            left_out[reason] += 1
    rows, overlapping = make_disjoint(rows)
    if not rows:
        raise ManifestError(f"no row of {', '.join(places)} was selected: {dict(left_out)}; widen the limits")
    left_out["sentence in both splits"] = overlapping
    written = [write_leveled(row, out, limits, seed) for row in rows]
    dataset_files.sweep(out, (out / row["audio"] for row in written))
    dataset_files.write_manifest(out / dataset_files.MANIFEST, written)
    for split in dataset_files.SPLITS:  # later commands read one split each
        dataset_files.write_manifest(out / f"{split}.jsonl", (row for row in written if row["split"] == split))
    summary = {"by_source": command.summary_of(written), "left_out": dict(sorted(left_out.items()))}
    write_text(out / "summary.json", json.dumps(summary, indent=2) + "\n")
    dataset_files.mark_done(out, digest)
    return summary | {"built": True}


def main(
    data: Annotated[list[str], typer.Argument(help="Folders of speech, or NAME=FOLDER.")],
    out: Annotated[Path, typer.Option(help="Folder to build.")],
    max_wer: Annotated[float, typer.Option(help="Highest whisper_base_wer to select.")] = 0.3,
    min_s: float = 1.0,
    max_s: float = 15.0,
    held_out: Annotated[list[Path] | None, typer.Option(help="Manifest of excluded sentences. Repeatable.")] = None,
    seed: int = 0,
) -> None:
    """Select clean speech, rescale it, and write OUT/{audio,manifest.jsonl,train.jsonl,dev.jsonl,summary.json}."""
    summary = select(data, out, Limits(max_wer, min_s, max_s), seed, held_out)
    command.show(summary["by_source"])
    command.say(f"left out: {summary['left_out']}" + ("" if summary["built"] else "; it was built before"))


if __name__ == "__main__":
    command.run(main)

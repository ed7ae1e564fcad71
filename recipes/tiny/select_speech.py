"""Select clean speech for training from several manifests and rescale it.

    python -m recipes.tiny.select_speech parts/train.jsonl packages=speech --out OUT/clean --held-out parts/report.jsonl

Each DATA is a manifest, or a folder with ``manifest.jsonl`` or ``speech/manifest.jsonl``; ``NAME=DATA`` names its
folder under OUT. Rows whose split is not train, and rows that share a sentence with a held-out manifest, are left out.
"""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Annotated, Any

import typer

from megaasr import ManifestError, SampleKey, language_code, normalise, write_text

from . import casing, command, dataset_files, family_rows, held_out, levels, parts
from .casing import as_written
from .dataset_files import Row
from .family_rows import has_reliable_votes, is_complete
from .held_out import HeldOut
from .parts import shared_sentences

CARRIED = ("clip", "gender", "age", "accent", "text_source", "mean_logprob", "snr_est_db", "whisper_base_wer")
"""Optional fields that are copied into the new manifest where a row has them."""


@dataclass(frozen=True)
class Limits:
    """Limits of the selection. A limit of a field applies to the rows that have the field.

    Args:
        max_wer: highest ``whisper_base_wer``, and highest ``wav2vec2_wer`` where fewer than two listeners accepted the
            text or one rejected it (``up_votes``, ``down_votes``).
        max_accepted_wer: highest ``wav2vec2_wer`` of a text that at least two listeners accepted and none rejected.
        min_accuracy: lowest accuracy (0 to 10) in ``expert_scores``; the clip must also be complete.
        min_s, max_s: shortest and longest duration in seconds.
        min_level_db, max_level_db: range of the active level in dBFS; the level of each clip is drawn from it.
    """

    max_wer: float = 0.3
    max_accepted_wer: float = 0.5
    min_accuracy: float = 8.0
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
        placed = [_placed(row, manifest, name) for row in dataset_files.read_any_rows(manifest)]
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
    if ".." in inside.parts:
        inside = PurePosixPath(dataset_files.slug(row["source"]), inside.name)
    inside = PurePosixPath(*inside.parts[1:]) if inside.parts[0] == "audio" else inside
    placed = {"audio": str("audio" / PurePosixPath(dataset_files.slug(name)) / inside.with_suffix(".flac"))}
    return {"split": "train", **row, **placed, "from": str(manifest.parent.resolve() / row["audio"])}


def _speaker_and_words(row: Row) -> tuple[str, str]:
    return str(row["speaker"]), _sentence(row)


def _sentence(row: Row) -> str:
    return normalise(str(row["text"]))


def usable(row: Row, limits: Limits) -> str | None:
    """A short reason why a row is not selected; None when it is."""
    if row["split"] != "train":
        return "not of train"
    if language_code(row.get("language")) != "en":
        return "not English"
    if not limits.min_s <= row["duration_s"] <= limits.max_s:
        return "too short or long"
    if not _sentence(row):
        return "no words"
    if row.get("whisper_base_wer", 0.0) > limits.max_wer:
        return "base WER too high"
    if not is_complete(row) or row.get("expert_scores", {}).get("accuracy", 10.0) < limits.min_accuracy:
        return "expert scores too low"
    if int(row.get("down_votes", 0)) > 0 and int(row["down_votes"]) >= int(row.get("up_votes", 0)):
        return "rejected by listeners"
    most = limits.max_accepted_wer if has_reliable_votes(row) else limits.max_wer
    return "wav2vec2 WER too high" if row.get("wav2vec2_wer", 0.0) > most else None


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
    """Build OUT from manifests and return the summary, which is also written to OUT/summary.json.

    Args:
        held_out_manifests: manifests of choose and report; the IEEE sentences are held out in any case.
    """
    manifests = [dataset_files.find_manifest(Path(place.rpartition("=")[2]), "speech") for place in places]
    texts = [path.read_text(encoding="utf-8") for path in [*manifests, *(held_out_manifests or [])]]
    modules = [casing, dataset_files, family_rows, held_out, levels, parts]
    code = dataset_files.code_digest(__file__, *(str(module.__file__) for module in modules))
    digest = dataset_files.digest_of(places, limits, seed, texts, code)
    if dataset_files.is_done(out, digest):
        summary: dict[str, Any] = json.loads((out / "summary.json").read_text(encoding="utf-8"))
        return summary | {"built": False}
    dataset_files.mark_undone(out)
    rows, left_out = [], Counter[str]()
    held = [row for path in held_out_manifests or [] for row in dataset_files.read_any_rows(path)]
    gathered, ieee = gather(places), HeldOut.load()
    shared = shared_sentences(gathered, held)
    for index, row in enumerate(gathered):
        reason = usable(row, limits)
        if reason is None and (index in shared or ieee.holds(str(row["text"]))):
            reason = "held-out sentence"
        if reason is None:
            rows.append(row)
        else:
            left_out[reason] += 1
    if not rows:
        raise ManifestError(f"no row of {', '.join(places)} was selected: {dict(left_out)}; widen the limits")
    written = [write_leveled(row, out, limits, seed) for row in rows]
    dataset_files.sweep(out, (out / row["audio"] for row in written))
    dataset_files.write_manifest(out / dataset_files.MANIFEST, written)
    summary = {"by_source": command.summary_of(written), "left_out": dict(sorted(left_out.items()))}
    write_text(out / "summary.json", json.dumps(summary, indent=2) + "\n")
    dataset_files.mark_done(out, digest)
    return summary | {"built": True}


def main(
    data: Annotated[list[str], typer.Argument(help="Manifests or folders of speech, or NAME=PLACE.")],
    out: Annotated[Path, typer.Option(help="Folder to build.")],
    max_wer: Annotated[float, typer.Option(help="Highest whisper_base_wer and wav2vec2_wer to select.")] = 0.3,
    min_accuracy: Annotated[float, typer.Option(min=0, max=10, help="Lowest accuracy in expert_scores.")] = 8.0,
    min_s: Annotated[float, typer.Option(help="Shortest clip in seconds.")] = 1.0,
    max_s: Annotated[float, typer.Option(help="Longest clip in seconds.")] = 15.0,
    held_out: Annotated[list[Path] | None, typer.Option(help="Manifest of excluded sentences. Repeatable.")] = None,
    seed: Annotated[int, typer.Option(help="Seed of the levels.")] = 0,
) -> None:
    """Select clean speech, rescale it, and write OUT/{audio,manifest.jsonl,summary.json}."""
    limits = Limits(max_wer=max_wer, min_accuracy=min_accuracy, min_s=min_s, max_s=max_s)
    summary = select(data, out, limits, seed, held_out)
    command.show(summary["by_source"])
    command.say(f"left out: {summary['left_out']}" + ("" if summary["built"] else "; it was built before"))


if __name__ == "__main__":
    command.run(main)

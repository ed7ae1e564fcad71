"""The recordings that the recipe divides into parts: where each family of real recordings is, and what its rows say."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path

from megaasr import ManifestError, read_text

from . import dataset_files
from .dataset_files import MANIFEST, Row
from .parts import sentence_of

SPEECH = ("speech", "speech_more")
"""Folders of DATA that hold speech to train on."""
SCORED = "speechocean762"
EXPERT_SCORES = "speech_more/speechocean762_expert_scores.json"
LEAST_ACCURACY = 9.0
"""Least median accuracy (0 to 10) of an evaluated clip of speechocean762; below it, other words are often said."""


def has_reliable_votes(row: Row) -> bool:
    """Whether at least two listeners accepted the text of a Common Voice clip and none rejected it."""
    return int(row.get("up_votes", 0)) >= 2 and int(row.get("down_votes", 0)) == 0


def is_complete(row: Row) -> bool:
    """Whether experts, where they heard a clip, found all of its words said and no others."""
    scores = row.get("expert_scores")
    return scores is None or (scores.get("completeness") == 1.0 and not scores.get("mismatch"))


def is_said_as_written(row: Row) -> bool:
    """Whether experts found a clip of at least three words complete and accurate (`LEAST_ACCURACY`)."""
    accuracy = row.get("expert_scores", {}).get("accuracy", 0.0)
    return is_complete(row) and accuracy >= LEAST_ACCURACY and len(str(row["text"]).split()) >= 3


def is_published(row: Row) -> bool:
    """Whether the text was published with the recording, and is not the transcript of a recogniser."""
    return not str(row.get("text_source", "")).startswith("machine")


@dataclass(frozen=True)
class Family:
    """One family of real recordings.

    Args:
        name: name of its manifests.
        condition: ``clean`` or ``degraded``.
        folders: folders of DATA with its manifests.
        source: beginning of the field `source` of its rows.
        is_usable: whether the text of a row is reliable enough to score with.
        wanted: number of clips of each part to hold out; None: all speakers are held out, in two equal halves.
        most_per_speaker: maximum number of clips of a speaker; None: all.
        cluster: field of the rows whose values are independent of each other.
    """

    name: str
    condition: str
    folders: tuple[str, ...]
    source: str = ""
    is_usable: Callable[[Row], bool] = lambda row: True
    wanted: int | None = None
    most_per_speaker: int | None = None
    cluster: str = "speaker"


FAMILIES = (
    Family("noizeus", "degraded", ("dev_real/noizeus",), cluster="sentence_id"),
    Family("everyday", "degraded", ("dev_real/everyday",)),
    Family("voxforge", "clean", ("dev_real/voxforge",), most_per_speaker=20),
    Family("commonvoice", "clean", SPEECH, "Common Voice v1", has_reliable_votes, 270, 10),
    Family("nonnative", "clean", SPEECH, SCORED, is_said_as_written, 250, 20),
    Family("librispeech", "clean", SPEECH, "LibriSpeech", is_published, 20, 10),
)


def read_folder(data: Path, folder: str) -> list[Row]:
    """The rows of DATA/FOLDER/manifest.jsonl, each with these fields set:

    ``from`` (absolute path of the audio), ``clip`` (digest of the file), ``speaker`` (``cv-cluster-N`` where only the
    cluster of alike voices is known), ``sentence_id`` (digest) and, for speechocean762, ``expert_scores``.

    Raises:
        ManifestError: a row has no text, or neither a speaker nor a voice cluster; its audio is missing; or a clip of
            speechocean762 has no expert scores.
    """
    manifest = data / folder / MANIFEST
    scores = read_expert_scores(data)
    rows = []
    for row in dataset_files.read_any_rows(manifest):
        path = manifest.parent.resolve() / row["audio"]
        if not path.is_file():
            raise ManifestError(f"{manifest}: {path} is missing")
        if "text" not in row or (row.get("speaker") is None and row.get("voice_cluster") is None):
            raise ManifestError(f"{manifest}: {row['audio']} needs 'text', and 'speaker' or 'voice_cluster'")
        fields: Row = {"from": str(path), "clip": blake2b(path.read_bytes(), digest_size=8).hexdigest()}
        fields["speaker"] = str(row["speaker"] if row.get("speaker") else f"cv-cluster-{row['voice_cluster']}")
        fields["sentence_id"] = sentence_of(str(row["text"]))
        if row.get("source") == SCORED:
            if path.stem not in scores and "expert_scores" not in row:
                raise ManifestError(f"{manifest}: {row['audio']} has no scores in {data / EXPERT_SCORES}; add them")
            fields["expert_scores"] = scores.get(path.stem, row.get("expert_scores"))
        rows.append({**row, **fields})
    return rows


def read_expert_scores(data: Path) -> dict[str, Row]:
    """The experts' median scores of every clip of speechocean762 by the clip's name; empty without that file."""
    path = data / EXPERT_SCORES
    scores: dict[str, Row] = json.loads(read_text(path)) if path.is_file() else {}
    return scores

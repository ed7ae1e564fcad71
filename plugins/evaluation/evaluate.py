"""Evaluation: a manifest through a transcriber, each row scored and kept with all its fields."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from megaasr import (
    AudioLimits,
    ManifestError,
    ManifestRow,
    MegaasrError,
    ParameterError,
    Plugins,
    Transcriber,
    Transcript,
    Utterance,
    align,
    described,
    is_invented,
    is_scored_by_character,
    language_code,
    manifest_row,
    normaliser_version,
    one_line,
    read_row_audio,
    tokenise,
    tried_rows,
)

REWARDS = "rewards"
"""Field of a row that was scored by rewards: the score or None of each term and of the total."""
REWARD_ERRORS = "reward_errors"
"""Field of a row on which a term failed: the reason, in one line, by term."""
ADDED_LATER = frozenset({"error", REWARDS, REWARD_ERRORS})
"""Fields that a row has of an earlier evaluation and does not keep."""


@dataclass(frozen=True)
class Item:
    """One utterance to evaluate.

    Args:
        row: the manifest's row, kept whole.
        source: what the row says of its recording.
        reference: the words that were spoken.
        language: ISO 639-1 code by which the words are scored.
        stated_language: the same where the row or the user says it; None: the backend chooses.
        fault: why the row cannot be used; empty where it can.
    """

    row: dict[str, Any]
    source: ManifestRow
    reference: str
    language: str
    stated_language: str | None = None
    fault: str = ""

    @property
    def audio(self) -> Path:
        """Path of the recording, or ``shard.tar#member``."""
        return self.source.audio


def read_items(manifest: Path, language: str | None = None, plugins: Plugins | None = None) -> list[Item]:
    """Read a manifest; the rows are those that `manifest_row` understands, and paths are relative to its folder.

    The folder of a plan is a manifest of its samples, each rendered when it is read. A row that cannot be used is an
    item with its fault.

    The language is the row's ``language``, else the middle of its ``subset`` (``sim-zh-noise``), else `language`, else
    English.

    Args:
        manifest: JSON lines, or whatever a reader takes.
        language: of rows that name none.
        plugins: whose readers are asked; the installed ones if not given.

    Raises:
        ManifestError: the file cannot be read, or none of its rows can be used.
    """
    root = manifest if manifest.is_dir() else manifest.parent
    items = [tried_item(row, root, where, language) for where, row in tried_rows(manifest, plugins)]
    check_some_usable(items)
    return items


def check_some_usable(items: Sequence[Item]) -> None:
    """ManifestError, the first item's fault, where there are items and every one has a fault."""
    if items and all(item.fault for item in items):
        more = f" (none of the {len(items)} rows can be used)" if len(items) > 1 else ""
        raise ManifestError(f"{items[0].fault}{more}")


def tried_item(row: dict[str, Any], root: Path, where: str, language: str | None = None) -> Item:
    """As `item_of`, but a row that cannot be used is an item with its fault, named by `where` if by nothing else."""
    try:
        return item_of(row, root, where, language)
    except ManifestError as error:
        kept = row if row else {"id": where}
        return Item(kept, ManifestRow(kept, root, "", None, None, where=where), "", "en", fault=one_line(error))


def item_of(row: dict[str, Any], root: Path, where: str, language: str | None = None) -> Item:
    """One row of a manifest in the folder `root`; ManifestError that begins with `where` when it is none."""
    source = manifest_row(row, root, where)
    if source.reference is None:
        raise ManifestError(f"{where}: needs 'answer' or 'text', a text; it has {', '.join(row) or 'nothing'}")
    spoken = source.language or subset_parts(row)[2] or language
    try:
        code = language_code(spoken if spoken is None else str(spoken))
    except ParameterError as error:
        raise ManifestError(f"{where}: {error}") from error
    return Item(row, source, source.reference, code, code if spoken else None)


def subset_parts(row: dict[str, Any]) -> tuple[str, str, str | None]:
    """Source, category and language of a row: its own fields, else those in ``subset`` (``sim-zh-noise``).

    Only ``sim-`` and ``real-`` begin such a name; LibriSpeech's ``train-clean-100`` is none.
    """
    parts = str(row.get("subset", "")).split("-", 2)
    named = len(parts) == 3 and parts[0] in ("real", "sim")  # and not train-clean-100
    source, spoken, category = parts if named else ("unknown", None, "unknown")
    if row.get("source") in ("real", "sim"):
        source = row["source"]
    return source, str(row.get("category", category)), row.get("language", spoken)


def evaluate(
    items: Sequence[Item],
    transcriber: Transcriber,
    limits: AudioLimits | None = None,
    plugins: Plugins | None = None,
) -> Iterator[dict[str, Any]]:
    """Transcribe and score; one row an item, in order. A recording that fails is a row with ``error``.

    Args:
        plugins: whose readers read the audio; the installed ones if not given.
    """
    heard = transcriber.transcribe_each(_heard(item, limits, plugins) for item in items)
    for item, result in zip(items, heard, strict=True):
        if result.transcript is not None:
            yield score(item, result.transcript)
        else:
            yield {**item.row, "language": item.language, "error": one_line(result.error)}


def _heard(item: Item, limits: AudioLimits | None, plugins: Plugins | None) -> Utterance | MegaasrError:
    """What is to be transcribed, or why it cannot be."""
    if item.fault:
        return ManifestError(item.fault)
    try:
        audio = read_row_audio(item.source, limits, plugins)
    except MegaasrError as error:
        return error
    except Exception as error:  # of the sound itself, such as memory that does not suffice
        return MegaasrError(f"{item.audio}: {described(error)}")
    name = f"{item.audio}{item.source.part}"
    return Utterance(audio, item.stated_language, reference=item.reference, id=name)


def score(item: Item, transcript: Transcript) -> dict[str, Any]:
    """The row with prediction, metric, wer, num_edits, ref_len and the rest of Voices-in-the-Wild-Bench's fields added.

    ``wer`` is edits / max(ref_len, 1); where a language is scored by character ``metric`` is ``cer``.
    """
    reference = tokenise(item.reference, item.language)
    hypothesis = tokenise(transcript.text, item.language)
    alignment = align(reference, hypothesis)
    flags = set(transcript.flags) | ({"invented"} if is_invented(hypothesis, reference) else set())
    kept = {name: value for name, value in item.row.items() if name not in ADDED_LATER}
    return {
        **kept,
        "language": item.language,
        "prediction": transcript.text,
        "metric": "cer" if is_scored_by_character(item.language) else "wer",
        "normaliser": normaliser_version(item.language),
        "wer": alignment.wer,
        "num_edits": alignment.num_edits,
        "ref_len": alignment.ref_len,
        "substitutions": alignment.substitutions,
        "insertions": alignment.insertions,
        "deletions": alignment.deletions,
        "flags": sorted(flags),
        "mean_logprob": transcript.mean_logprob,
        "route": transcript.route,
        "adapter": transcript.adapter,
        "audio_s": transcript.duration_s,
        "decoding_s": transcript.seconds,
    }

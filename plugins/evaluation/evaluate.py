"""Evaluation: a manifest through a transcriber, each row scored and kept with all its fields."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from megaasr import (
    AudioLimits,
    ManifestError,
    MegaasrError,
    ParameterError,
    Plugins,
    Transcriber,
    Transcript,
    Utterance,
    align,
    is_invented,
    is_scored_by_character,
    language_code,
    located_rows,
    read_sample,
    tokenise,
    use_normalisers_of,
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
        audio: path of the recording, or ``shard.tar#member``.
        reference: the words that were spoken.
        language: ISO 639-1 code by which the words are scored.
        stated_language: the same where the row or the user says it; None: the backend chooses.
    """

    row: dict[str, Any]
    audio: Path
    reference: str
    language: str
    stated_language: str | None = None


def read_items(manifest: Path, language: str | None = None, plugins: Plugins | None = None) -> list[Item]:
    """Read a manifest of ``{"audio" or "audio_path", "answer" or "text", ...}``; paths are relative to its folder.

    The folder of a plan is a manifest of its samples, each rendered when it is read.

    The language is the row's ``language``, else the middle of its ``subset`` (``sim-zh-noise``), else `language`, else
    English.

    Args:
        manifest: JSON lines, or whatever a reader takes.
        language: of rows that name none.
        plugins: whose readers are asked; the installed ones if not given.

    Raises:
        ManifestError: a broken line, or a row without audio or reference; named by line.
    """
    root = manifest if manifest.is_dir() else manifest.parent
    return [item_of(row, root, where, language) for where, row in located_rows(manifest, plugins)]


def item_of(row: dict[str, Any], root: Path, where: str, language: str | None = None) -> Item:
    """One row of a manifest in the folder `root`; ManifestError that begins with `where` when it is none."""
    audio = row.get("audio", row.get("audio_path"))
    reference = row.get("answer", row.get("text"))
    for value, names in ((audio, "'audio' or 'audio_path'"), (reference, "'answer' or 'text'")):
        if not isinstance(value, str):
            raise ManifestError(f"{where}: needs {names}, a text; it has {', '.join(row) or 'nothing'}")
    spoken = row.get("language") or subset_parts(row)[2] or language
    try:
        code = language_code(spoken if spoken is None else str(spoken))
    except ParameterError as error:
        raise ManifestError(f"{where}: {error}") from error
    return Item(row, root / str(audio), str(reference), code, code if spoken else None)


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

    Recordings that fit into one piece are decoded in batches; a longer one is cut and decoded by itself.

    Args:
        plugins: whose readers read the audio, and whose normalisers are used; the installed ones if not given.
    """
    if plugins is not None:
        use_normalisers_of(plugins)  # a worker process has loaded them again
    for start in range(0, len(items), transcriber.batch_size):
        chunk = items[start : start + transcriber.batch_size]
        heard = _transcribe(chunk, transcriber, limits, plugins)
        for item, result in zip(chunk, heard, strict=True):
            failed = {**item.row, "language": item.language, "error": result}
            yield score(item, result) if isinstance(result, Transcript) else failed


def _transcribe(
    chunk: Sequence[Item], transcriber: Transcriber, limits: AudioLimits | None, plugins: Plugins | None
) -> list[Transcript | str]:
    results: list[Transcript | str] = [""] * len(chunk)
    short: dict[int, Utterance] = {}
    for index, item in enumerate(chunk):
        try:
            audio = read_sample(item.audio, limits, plugins)
            utterance = Utterance(audio, item.stated_language, reference=item.reference, id=str(item.audio))
            pieces = transcriber.pieces(utterance)
            if len(pieces) == 1:
                short[index] = pieces[0]
            else:
                if transcriber.router.needs_reference:
                    raise ParameterError(
                        f"{item.audio}: router {transcriber.router.name} compares with the reference as a whole, so it "
                        f"takes at most {transcriber.backend.info.max_duration_s:g} s; leave the recording out"
                    )
                results[index] = transcriber.transcribe(utterance)
        except MegaasrError as error:
            results[index] = str(error)
    for index, result in zip(short, transcriber.try_batch(list(short.values())), strict=True):
        results[index] = result if isinstance(result, Transcript) else str(result)
    return results


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

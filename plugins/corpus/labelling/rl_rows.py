"""Rows of the RL JSONL (Mega-ASR, 3.2; the schema of ms-swift), made of labelled rows and turned into them again.

A row has ``messages`` (the prompt, with one ``<audio>``), ``audios`` (one path), ``solution`` (the reference),
``prediction`` and ``base_wer`` (transcript and word error rate of the base model), and ``meta`` (all other fields).
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from megaasr import REFERENCE_FIELDS, ManifestError, audio_name, manifest_row

Row = dict[str, Any]
FIELDS = ("messages", "audios", "solution", "prediction", "base_wer", "meta")
AUDIO_TAG = "<audio>"
"""Where the recording stands in a prompt of ms-swift."""
LEFT_OUT = ("recipe",)
"""Fields of labelled rows that no RL row has: the steps of recipes have other fields in each row, and a loader that
takes ``meta`` as columns with types, as that of datasets 4, refuses such files."""
_LABELLED = ("audio", "text", "base_text", "base_wer", "messages")
"""Fields of a labelled row that `labelled_row` makes of those above."""


def is_rl_row(row: Mapping[str, Any]) -> bool:
    """Whether a row has the form of the RL JSONL."""
    return "messages" in row and "audios" in row


def rl_row(row: Row, root: Path, where: str, prompt: str | None = None) -> Row:
    """The RL row of a labelled row; ``audios`` names the recording as the labelled row does.

    Args:
        row: with ``base_text`` and ``base_wer``.
        root: folder that its path is relative to.
        where: the row stands, for messages.
        prompt: text behind ``<audio>`` in the message of the user; None: the row's own ``messages``, as far as it has
            some, else ``<audio>`` alone.

    Raises:
        ManifestError: the row is not labelled, has no reference or hears only a part of a recording, which ``audios``
            cannot say.
    """
    said = manifest_row(row, root, where)
    if said.reference is None or not said.reference.strip():
        raise ManifestError(f"{where}: has no reference, such as 'text'; a reward needs one")
    if said.is_part and not said.is_length:
        raise ManifestError(f"{where}: is the part {said.part} of {said.name}; the RL JSONL names whole recordings")
    if said.channel is not None:
        raise ManifestError(f"{where}: is channel {said.channel} of {said.name}; the RL JSONL names whole recordings")
    prediction = row.get("base_text")
    if not isinstance(prediction, str):
        raise ManifestError(f"{where}: base_text is missing or no text; run `megaasr corpus label` first")
    wer = _checked_wer(row.get("base_wer"), where)
    _check_messages(row.get("messages"), where)
    own = row.get("messages") if prompt is None else None
    of_audio = {name for name in row if audio_name({name: row[name]}) == said.name}  # 'audio', or another name of it
    left_out = {*_LABELLED, *REFERENCE_FIELDS, *LEFT_OUT, *of_audio}
    return {
        "messages": own or [{"role": "user", "content": AUDIO_TAG + (prompt or "")}],
        "audios": [said.name],
        "solution": said.reference,
        "prediction": prediction,
        "base_wer": wer,
        "meta": {name: value for name, value in row.items() if name not in left_out},
    }


def labelled_row(row: Row, where: str) -> Row:
    """The manifest's row of an RL row, as `corpus label` writes it, with ``messages`` besides.

    ``solution`` becomes ``text``, ``prediction`` ``base_text``; the fields of ``meta``, and those that the RL JSONL
    does not know, are fields of the row. ``solution``, ``prediction``, ``base_wer`` and ``meta`` may be missing or
    null, since ms-swift needs none of them.

    Args:
        where: the row stands, for messages.

    Raises:
        ManifestError: a field has another form, one is named twice with different values, or the row would be of a part
            of the recording.
    """
    _check_messages(row.get("messages"), where)
    audios = row.get("audios")
    if not isinstance(audios, list) or len(audios) != 1 or not isinstance(audios[0], str):
        raise ManifestError(f"{where}: audios must be a list with the path of one recording")
    meta = row.get("meta")
    if meta is not None and not isinstance(meta, dict):
        raise ManifestError(f"{where}: meta is no object")
    made: Row = {"audio": audios[0]}
    for name, field in (("solution", "text"), ("prediction", "base_text")):
        if (text := row.get(name)) is not None:
            if not isinstance(text, str):
                raise ManifestError(f"{where}: {name} is no text")
            made[field] = text
    if row.get("base_wer") is not None:
        made["base_wer"] = _checked_wer(row["base_wer"], where)
    if row.get("messages"):
        made["messages"] = row["messages"]
    others = {name: value for name, value in row.items() if name not in FIELDS}
    for known in (made, others):
        for name, value in (meta or {}).items():
            if name in known and known[name] != value:
                raise ManifestError(f"{where}: meta and the row differ in {name!r}; remove one of them")
    if "audio" in others:
        raise ManifestError(f"{where}: has both 'audio' and 'audios'; remove one of them")
    result = {**(meta or {}), **others, **made}
    said = manifest_row(result, Path(), where)
    if (said.is_part and not said.is_length) or said.channel is not None:
        raise ManifestError(f"{where}: audios names a whole recording, and the row says which part is heard; remove it")
    return result


def _checked_wer(wer: Any, where: str) -> float:
    if isinstance(wer, bool) or not isinstance(wer, (int, float)) or not 0.0 <= wer < math.inf:
        raise ManifestError(f"{where}: base_wer is missing or not a number; run `megaasr corpus label` first")
    return float(wer)


def _check_messages(messages: Any, where: str) -> None:
    """ManifestError where messages are no prompt about one recording; None and [] are no prompt at all."""
    if messages is None:
        return
    if not isinstance(messages, list) or not all(
        isinstance(one, dict) and isinstance(one.get("role"), str) and isinstance(one.get("content"), (str, list))
        for one in messages
    ):
        raise ManifestError(f"{where}: messages must be a list of objects with role and content")
    tags = sum(one["content"].count(AUDIO_TAG) for one in messages if isinstance(one["content"], str))
    if tags > 1:
        raise ManifestError(f"{where}: messages hold {tags} times {AUDIO_TAG}, and a row names one recording")

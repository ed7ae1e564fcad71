"""Results of two baselines that need no training, as rows of ``megaasr eval``.

    python -m recipes.tiny.baselines MANIFEST --out DIR --collapse PLAIN.jsonl

- ``DIR/NAME.faster_whisper.jsonl``: faster-whisper's own defaults (beam of 5, temperature fallback, no voice activity
  detection) with the weights of tiny.en that the base has.
- ``DIR/NAME.collapsed.jsonl``, with ``--collapse``: results of the base with loops collapsed (`collapse_loops`).

NAME is the manifest's name without suffix. ``megaasr compare BASE.jsonl ... --ours NAME`` takes the files.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

from megaasr import (
    SAMPLE_RATE_HZ,
    AudioLimits,
    MegaasrError,
    ParameterError,
    Samples,
    Transcript,
    check_text,
    described,
    fingerprint,
    jsonl_line,
    normaliser_version,
    one_line,
    progress,
    read_jsonl,
    read_row_audio,
    recordings_state,
    resumable_rows,
    write_text,
)
from megaasr_plugins.backends.tiny_model import tiny_ctranslate2_folder
from megaasr_plugins.evaluation.evaluate import Item, read_items, score
from megaasr_plugins.evaluation.pairing import check_comparable, utterance_of

from . import command
from .dataset_files import Row
from .loops import collapse_loops


@dataclass(frozen=True)
class Heard:
    """What a decoder made of a clip: the text, and the mean natural log-probability of a token, None if unknown."""

    text: str
    mean_logprob: float | None = None


Decode = Callable[[Samples], Heard]
"""Decodes 16 kHz samples, float32 of shape (num_samples,)."""


def faster_whisper_decoder() -> tuple[Decode, str]:
    """A decoder with the defaults of faster-whisper on one core, and its name with version.

    Temperatures above 0, to which faster-whisper falls back, draw samples; their seed is set once, here.

    Raises:
        ParameterError: faster-whisper is not installed.
        BackendError: tiny.en is not.
    """
    try:
        import ctranslate2
        import faster_whisper
    except ImportError as error:
        raise ParameterError(
            "faster-whisper is not installed; run: pip install -r recipes/tiny/requirements.txt"
        ) from error
    ctranslate2.set_random_seed(0)
    model = faster_whisper.WhisperModel(str(tiny_ctranslate2_folder()), device="cpu", cpu_threads=1)

    def decode(samples: Samples) -> Heard:
        segments = list(model.transcribe(samples, language="en")[0])
        tokens = sum(len(segment.tokens) for segment in segments)
        logprob = sum(segment.avg_logprob * len(segment.tokens) for segment in segments)
        return Heard("".join(segment.text for segment in segments).strip(), logprob / tokens if tokens else None)

    return decode, f"faster-whisper {faster_whisper.__version__}"


def decoded_rows(items: Sequence[Item], decode: Decode, name: str) -> Iterator[Row]:
    """Decode and score clips; a clip that fails is a row with ``error``.

    Args:
        name: of the decoder, the route of the rows.
    """
    for item in items:
        try:
            yield score(item, _transcript(item, decode, name))
        except MegaasrError as error:
            yield {**item.row, "language": item.language, "error": one_line(error)}
        except Exception as error:  # of the decoder
            yield {**item.row, "language": item.language, "error": f"{name}: {item.audio}: {described(error)}"}


def _transcript(item: Item, decode: Decode, name: str) -> Transcript:
    if item.fault:
        raise MegaasrError(item.fault)
    audio = read_row_audio(item.source, AudioLimits(convert=True)).resampled(SAMPLE_RATE_HZ)
    started = time.perf_counter()
    heard = decode(audio.samples)
    return Transcript(
        heard.text,
        item.language,
        heard.mean_logprob,
        flags=check_text(heard.text, language=item.language),
        duration_s=audio.duration_s,
        seconds=time.perf_counter() - started,
        route=name,
    )


def collapsed_rows(items: Sequence[Item], base: Sequence[Row]) -> list[Row]:
    """The base's results, in the order of the items, with loops collapsed and scored again; failed rows stay failed.

    Raises:
        ManifestError: the results are not of the same utterances.
    """
    check_comparable([item.row for item in items], base)
    of_base = {utterance_of(row): row for row in base}
    return [_collapsed(item, of_base[utterance_of(item.row)]) for item in items]


def _collapsed(item: Item, row: Row) -> Row:
    if "error" in row:
        return row
    text = collapse_loops(row["prediction"])
    other = {"empty", "repetitive"}
    flags = {*(flag for flag in row["flags"] if flag not in other), *check_text(text, language=item.language)}
    transcript = Transcript(
        text,
        item.language,
        row["mean_logprob"],
        flags=tuple(sorted(flags)),
        duration_s=row["audio_s"],
        seconds=row["decoding_s"],
        route="loops collapsed" if text != row["prediction"] else row["route"],
        adapter=row["adapter"],
    )
    return score(item, transcript)


def write_decoded(items: Sequence[Item], out: Path, decode: Decode, name: str) -> list[Row]:
    """Write the rows of a decoder to a file; a run that was killed goes on where it stopped."""
    normalisers = {item.language: normaliser_version(item.language) for item in items}
    recordings = recordings_state(item.audio for item in items)
    mark = fingerprint([name, [(item.row, item.language) for item in items], normalisers, recordings])
    with resumable_rows(out, mark, due=len(items)) as rows:
        left = items[len(rows.done) :]
        for row in progress(decoded_rows(left, decode, name), total=len(left), what=f"clips, {name}"):
            rows.append(row)
        return rows.done


def main(
    manifest: Annotated[Path, typer.Argument(help="Manifest or plan, as megaasr eval reads it.")],
    out: Annotated[Path, typer.Option(help="Folder of the results to write.")],
    collapse: Annotated[
        Path | None, typer.Option(metavar="BASE.jsonl", help="Results of the base, whose loops are collapsed.")
    ] = None,
    decoded: Annotated[bool, typer.Option("--decode/--no-decode", help="Decode by faster-whisper.")] = True,
) -> None:
    """Write the results of the baselines on a manifest."""
    items = read_items(manifest)
    if not items:
        raise ParameterError(f"{manifest}: holds no rows")
    out.mkdir(parents=True, exist_ok=True)
    written = {}
    if collapse is not None:
        path = out / f"{manifest.stem}.collapsed.jsonl"
        written[path] = collapsed_rows(items, read_jsonl(collapse))
        write_text(path, "".join(map(jsonl_line, written[path])))
    if decoded:
        path = out / f"{manifest.stem}.faster_whisper.jsonl"
        written[path] = write_decoded(items, path, *faster_whisper_decoder())
    for path, rows in written.items():
        failed = sum("error" in row for row in rows)
        command.say(f"{path}: {len(rows)} rows, {failed} failed")


if __name__ == "__main__":
    command.run(main)

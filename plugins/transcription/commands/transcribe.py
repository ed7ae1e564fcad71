"""`megaasr transcribe`: recordings in, words out."""

from __future__ import annotations

import sys
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from megaasr.commands import (
    EXIT_SOME_FAILED,
    AdapterOption,
    BackendOption,
    BackendSetOption,
    BatchSizeOption,
    DecodeOption,
    JsonOption,
    LanguageOption,
    PluginOption,
    RouterOption,
    RouterSetOption,
    StrictOption,
    open_plugins,
    open_transcriber,
    say,
)

if TYPE_CHECKING:
    from megaasr import Audio, AudioLimits, Plugins, ReadAudio, Transcription


def transcribe(
    context: typer.Context,
    recordings: Annotated[
        list[str],
        typer.Argument(metavar="RECORDING...", help="Audio files, or folders of them; - is standard input."),
    ],
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="Write JSON lines here instead of text; - is standard output.")
    ] = None,
    adapter: AdapterOption = None,
    router: RouterOption = None,
    router_set: RouterSetOption = None,
    backend: BackendOption = None,
    backend_set: BackendSetOption = None,
    decode: DecodeOption = None,
    language: LanguageOption = None,
    batch_size: BatchSizeOption = 8,
    convert: Annotated[bool, typer.Option("--convert", help="Accept sample rates outside 8 to 192 kHz.")] = False,
    max_duration_s: Annotated[float, typer.Option(min=0.1, max=86400.0, help="Refuse longer recordings.")] = 7200.0,
    as_json: JsonOption = False,
    plugin: PluginOption = None,
    strict_plugins: StrictOption = False,
) -> None:
    """Transcribe recordings of any length; prints one line a recording.

    A recording that cannot be read is reported, the others are done, and the exit code is 1 (2 if it was the only one).
    With -o, a run that was killed goes on where it stopped when it is started again.

    Example: megaasr transcribe interview.wav --json
    """
    from megaasr import (
        AudioLimits,
        RunRecord,
        find_recordings,
        fingerprint,
        hardware,
        held_outputs,
        jsonl_line,
        progress,
        recordings_state,
        resumable_rows,
        transcriber_identity,
    )

    paths = find_recordings(recordings)
    context.with_resource(held_outputs([output], paths))
    limits = AudioLimits(min_duration_s=0.1, max_duration_s=max_duration_s, convert=convert)
    plugins = open_plugins(plugin, strict_plugins)
    read = once_each(plugins)
    if len(paths) == 1:
        read(paths[0], limits)  # a mistake in the only recording is told before the model is loaded
    transcriber = open_transcriber(
        plugins,
        backend,
        backend_set,
        router,
        router_set,
        adapter,
        language,
        batch_size,
        decode,
    )

    def run() -> RunRecord:
        options = {"convert": convert, "max_duration_s": max_duration_s}
        told = {"adapter": str(adapter) if adapter else None, "hardware": hardware()}
        heard = fingerprint([[str(path) for path in paths], recordings_state(paths, plugins)])
        return RunRecord({**transcriber_identity(transcriber, plugins, adapter, options), "recordings": heard}, told)

    failed = 0
    with nullcontext() if output is None else resumable_rows(output, run(), due=len(paths)) as out:
        done = list(out.done) if out else []
        if out and out.note:
            say(f"megaasr: note: {out.note}")
        if done:
            say(f"megaasr: note: {len(done)} of {len(paths)} recordings are done already")
        failed += sum("error" in row for row in done)
        remaining = paths[len(done) :]
        for result in progress(
            transcriber.transcribe_files(remaining, limits, read), total=len(remaining), what="recordings"
        ):
            row = _row(result)
            if result.transcript is None:
                failed += 1
                say(f"megaasr: failed: {result.error}")
            if out:
                out.append(row)
            elif as_json:
                sys.stdout.write(jsonl_line(row))
            elif result.transcript is not None:
                sys.stdout.write((f"{result.name}: " if len(paths) > 1 else "") + result.transcript.text.strip() + "\n")
            sys.stdout.flush()
    if failed:
        say(f"megaasr: {failed} of {len(paths)} recordings failed")
        raise typer.Exit(EXIT_SOME_FAILED)


def once_each(plugins: Plugins) -> ReadAudio:
    """Reads what a path names, files of any registered reader and standard input; the last one again for nothing."""
    from functools import lru_cache

    from megaasr import read_sample, read_standard_input

    @lru_cache(maxsize=1)
    def read(path: str | Path, limits: AudioLimits | None) -> Audio:
        if str(path) == "-":
            return read_standard_input(limits)
        return read_sample(Path(path), limits, plugins)

    return read


def _row(result: Transcription) -> dict[str, Any]:
    if result.transcript is None:
        return {"audio": result.name, "error": result.error}
    row = {"audio": result.name, **result.transcript.as_row()}
    if len(result.segments) > 1:
        row["segments"] = [segment.as_row() for segment in result.segments]
    return row
